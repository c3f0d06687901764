// Checks while rows are copied that the snapshot still exists and that the slot still keeps the changes since. Otherwise
// hours of copying and of building indexes would be wasted.

import type { MigrationEvent } from '../../shared/event.ts'
import { formatBytes } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { PgtrekError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { describeSettings } from '../postgres/settings.ts'
import { type CreatedSlot, readSlot, type SlotState, SlotUnusable } from '../replication/stream/slot.ts'
import type { Link } from './link.ts'
import { muchLogBytes } from './monitor.ts'

const usualEveryMs = 5000

export interface CopyMonitorOptions {
  link: Link
  slot: CreatedSlot
  warn: (message: string) => void
  everyMs?: number | undefined
}

export class CopyMonitor implements AsyncDisposable {
  /** Why the copy cannot be used any more. */
  reason: Error | undefined
  readonly #stop = new AbortController()
  readonly #over = new AbortController()
  readonly #warned = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #checking = Promise.resolve()
  #session: Session | undefined

  constructor(readonly options: CopyMonitorOptions) {
    this.#next()
  }

  /** Aborted as soon as there is a reason. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** A failed table ends the copy only when it shows that the snapshot is lost. */
  observe(event: MigrationEvent) {
    if (event.type !== 'step_failed' || event.step.kind !== 'ROWS') return
    const { error } = event
    const isHolderGone = this.options.slot.session.tap.socket.destroyed
    if (error.code !== 'snapshot_lost' && !(isHolderGone && error.sqlstate === undefined)) return
    const place = describeSettings(this.options.link.from)
    this.#end(
      new PgtrekError(
        say`${place} ended the session that held the snapshot of the copy, for instance by a restart: tables that were not complete can no longer be copied from the same snapshot (${error.message}). Run the same command again`,
      ),
    )
  }

  #end(reason: Error) {
    this.reason ??= reason
    this.#stop.abort()
  }

  #next() {
    if (this.#over.signal.aborted || this.reason) return
    this.#timer = setTimeout(() => {
      this.#checking = this.#check().then(() => this.#next())
    }, this.options.everyMs ?? usualEveryMs)
  }

  async #check() {
    const { from, names } = this.options.link
    try {
      this.#session ??= await Session.open(from, { signal: this.#over.signal })
      this.#judge(await readSlot(this.#session, names.slot))
    } catch {
      // The server may answer again at the next check.
      this.#session?.destroy()
      this.#session = undefined
    }
  }

  #judge(slot: SlotState | undefined) {
    const { names, from } = this.options.link
    const place = describeSettings(from)
    const again = say`The copied rows cannot be kept up to date. Run the same command again`
    if (!slot) {
      return this.#end(
        new SlotUnusable(
          say`${place} no longer has the replication slot ${names.slot}: it was dropped. ${again}`,
        ),
      )
    }
    if (slot.lost !== undefined) {
      return this.#end(
        new SlotUnusable(
          say`${place} has invalidated the slot ${slot.name} while rows were copied: ${slot.lost}. ${again}, with a larger max_slot_wal_keep_size on the source`,
        ),
      )
    }
    const { endangered, safeBytes, retainedBytes } = slot
    if (endangered || (safeBytes !== undefined && safeBytes < retainedBytes / 4)) {
      this.#warn(
        'limit',
        say`${place} invalidates the slot ${slot.name} after ${formatBytes(Math.max(0, safeBytes ?? 0))} more of its log (max_slot_wal_keep_size). The copy would then have to start again: raise that setting now`,
      )
    }
    if (retainedBytes > muchLogBytes) {
      this.#warn('much', say`the slot ${slot.name} holds much of the server's log: its disk may fill up`)
    }
  }

  #warn(about: string, message: string) {
    if (this.#warned.has(about)) return
    this.#warned.add(about)
    this.options.warn(message)
  }

  async [Symbol.asyncDispose]() {
    this.#over.abort()
    clearTimeout(this.#timer)
    await this.#checking
    this.#session?.destroy()
  }
}
