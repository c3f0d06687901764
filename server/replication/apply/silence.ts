// Detects a server that has stopped sending although the connection seems to be open: a firewall has dropped it, the
// machine has disappeared, the network has stopped.

import { say } from '../../../shared/say.ts'
import { isAtWork } from '../../coordination/sessions.ts'
import { ConnectionLost } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { describeSettings } from '../../postgres/settings.ts'
import type { Connected, StreamEnds } from './connect.ts'

/** As long as the servers themselves wait for each other by default (wal_receiver_timeout). */
export const defaultSilenceMs = 60_000
const longestTick = 5_000

type Side = 'source' | 'destination'

export class SilenceWatch implements Disposable {
  readonly #timer: NodeJS.Timeout
  readonly #sides: Record<Side, WatchedSide>
  #isOver = false

  constructor(
    readonly connected: Connected,
    readonly ends: StreamEnds,
    readonly silenceMs: number,
  ) {
    this.#sides = { source: new WatchedSide(), destination: new WatchedSide() }
    this.#timer = setInterval(() => this.#look(), Math.min(silenceMs / 4, longestTick))
  }

  [Symbol.dispose]() {
    this.#isOver = true
    clearInterval(this.#timer)
  }

  #look() {
    const { stream, applier } = this.connected
    if (stream.silentMs > this.silenceMs / 2) stream.askForEnd()
    const silent: Record<Side, number> = {
      source: stream.silentMs,
      destination: applier.pipeline.silentMs,
    }
    for (const side of ['source', 'destination'] as const) {
      if (this.#sides[side].mustAsk(silent[side], this.silenceMs)) void this.#judge(side)
    }
  }

  /** Waiting for a lock, or reading a large transaction, may take long: only the server knows which it is. */
  async #judge(side: Side) {
    const watched = this.#sides[side]
    watched.isAsked = true
    const isAtWork = await this.#ask(side)
    watched.isAsked = false
    watched.askedAt = performance.now()
    if (isAtWork || this.#isOver) return
    const { stream, applier } = this.connected
    const seconds = Math.round(this.silenceMs / 1000)
    const lost = new ConnectionLost(
      say`the connection to the ${side}, ${describeSettings(this.ends[side])}, was lost: no data was received for ${seconds} s`,
    )
    if (side === 'source') stream.fail(lost)
    else applier.pipeline.fail(lost)
  }

  async #ask(side: Side): Promise<boolean> {
    const inTime = AbortSignal.timeout(this.silenceMs)
    try {
      await using session = await Session.open(this.ends[side], { signal: inTime })
      inTime.addEventListener('abort', () => session.destroy(), { once: true })
      return await isAtWork(session, this.connected.sessions[side])
    } catch {
      // A server that accepts no new connection counts as lost.
      return false
    }
  }
}

class WatchedSide {
  isAsked = false
  askedAt = Number.NEGATIVE_INFINITY
  #wasSilent = false

  /** The process may have been busy and not have read. A second check decides. */
  mustAsk(silentMs: number, limitMs: number): boolean {
    const isSilent = silentMs > limitMs
    const must = isSilent && this.#wasSilent && !this.isAsked && performance.now() - this.askedAt > limitMs
    this.#wasSilent = isSilent
    return must
  }
}
