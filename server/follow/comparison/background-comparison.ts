// Compares both sides by checksum while changes flow, table by table, and afterwards only rows that change. So a
// switchover has little left to compare while clients cannot write. docs/how-it-works.md has the reasons.

import type { VerificationView } from '../../../shared/follow-view.ts'
import { shortList } from '../../../shared/format.ts'
import { say } from '../../../shared/say.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import { pause } from '../../copy/pause.ts'
import { errorInfo } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { ChangedRows } from './changed-rows.ts'
import { type BackgroundComparisonOptions, ComparisonContext } from './context.ts'
import type { Group } from './groups.ts'
import { Later } from './reach.ts'
import { awaitCounted, type Seen, type Uncounted } from './unseen-writes.ts'
import { WholeTables } from './whole-tables.ts'
import { compareInWindow, type InWindow, windowWorkers } from './window.ts'

const shortestRestMs = 100
const restAfterLaterMs = 1000
const restAfterErrorMs = 5000
/** After a round the servers rest for at least so many times its duration. */
const restPerRound = 5
const mostNamed = 20
/** Less is compared again at once. */
const leastBytesToWaitFor = 64 * 1024 * 1024

export class BackgroundComparison {
  readonly #context: ComparisonContext
  readonly #wholeTables: WholeTables
  readonly #changedRows: ChangedRows
  #stop = new AbortController()
  #loops: Promise<unknown> | undefined
  #note: string | undefined
  #uncounted: readonly Uncounted[] = []

  constructor(readonly options: BackgroundComparisonOptions) {
    this.#context = new ComparisonContext(options)
    this.#wholeTables = new WholeTables(this.#context)
    this.#changedRows = new ChangedRows(this.#context)
  }

  start() {
    if (this.#loops) return
    this.#stop = new AbortController()
    const { signal } = this.#stop
    this.#loops = Promise.all([
      this.#repeat(signal, () => this.#wholeTables.checkBatch(signal)),
      this.#repeat(signal, () => this.#changedRows.round(signal), {
        everyMs: this.#context.roundEveryMs,
        restPerWork: restPerRound,
      }),
    ])
  }

  /** Gives up the comparisons that are running, and keeps the results. */
  async pause() {
    this.#stop.abort()
    await this.#loops
    this.#loops = undefined
    this.#context.running = undefined
    for (const group of this.#context.groups.all) if (group.state === 'checking') group.state = 'waiting'
  }

  /** Others have written to these tables: their results are not valid any more, nor the comparison that is running. */
  distrust(tables: readonly TableName[]) {
    for (const table of tables) {
      this.options.touched.voidTable(table)
      const group = this.#context.groups.of(table)
      if (group && group.state !== 'checking') Object.assign(group, { state: 'waiting', dueAt: 0 })
    }
  }

  view(): VerificationView {
    const { record, touched } = this.options
    const groups = this.#context.groups.all
    const coarse = new Set<string>()
    let touchedRows = 0
    for (const { table, rows } of touched.counts()) {
      const key = this.#context.groups.keyOf(table)
      if (key === undefined) continue
      if (rows === 'whole') coarse.add(key)
      else if (this.#context.groups.of(table)?.state === 'checked') touchedRows += rows
    }
    const isWhole = (group: Group) => group.state !== 'checked' || coarse.has(tableKey(group.id))
    const bytes = groups.filter(isWhole).reduce((sum, group) => sum + group.bytes, 0)
    const seconds =
      groups.length > 0 ? this.#context.comparer.estimateSeconds({ bytes, rows: touchedRows }) : undefined
    const tablesOf = (list: readonly Group[]) => list.reduce((sum, { tables }) => sum + tables.length, 0)
    const checked = groups.filter((group) => !isWhole(group))
    const all = record().tables.length
    const note = this.#note ?? groups.find(({ state }) => state === 'failed')?.why
    return {
      tables: all,
      checked: tablesOf(checked),
      ...(this.#context.position !== undefined && { position: this.#context.position }),
      ...(this.#context.running && { running: this.#context.running }),
      changed_rows: touchedRows,
      whole_tables: all - tablesOf(checked),
      whole_bytes: bytes,
      ...(seconds !== undefined && { window_seconds: seconds + this.#changedRows.roundSeconds }),
      different: groups
        .filter(({ state }) => state === 'different')
        .slice(0, mostNamed)
        .map(({ id }) => id),
      ...(note !== undefined && { note }),
    }
  }

  /**
   * Waits until the destination has counted what others have written, so that a switchover can rely on its counts.
   * Clients may still write to the source meanwhile. Where little is to be compared again, it does not wait.
   */
  async prepareWindow(signal: AbortSignal, log: (message: string) => void) {
    const context = this.#context
    if (!this.options.unseen) return
    const bytesSeenBefore = (until: number) =>
      context.groups.all
        .filter(({ state, seen }) => state === 'checked' && seen && seenAt(seen) <= until)
        .reduce((sum, { bytes }) => sum + bytes, 0)
    await using destination = await Session.open(this.options.link.to, { signal })
    const matters = (until: number) => bytesSeenBefore(until) > leastBytesToWaitFor
    this.#uncounted = await awaitCounted(destination, {
      ...{ oids: context.destinationOids, matters, signal },
      onWait: (who) =>
        log(
          say`waiting until the destination has counted the rows that other sessions have written: ${shortList(who)}`,
        ),
    })
  }

  /** Sessions whose writes may not all have been counted at the last `prepareWindow`. */
  get uncounted(): readonly Uncounted[] {
    return this.#uncounted
  }

  async #mayHaveChanged(signal: AbortSignal): Promise<(group: Group) => boolean> {
    const context = this.#context
    const { unseen, link } = this.options
    if (!unseen) return () => false
    await using destination = await Session.open(link.to, { signal })
    const isUnchanged = await unseen.unchanged(destination, context.destinationOids)
    const until = Math.max(...this.#uncounted.map(({ until }) => until), Number.NEGATIVE_INFINITY)
    const oidsOf = context.oidsByGroup()
    return (group) =>
      oidsOf(group).some((oid) => {
        const since = oid === undefined ? undefined : group.seen?.get(oid)
        return since === undefined || oid === undefined || since.at <= until || !isUnchanged(oid, since)
      })
  }

  /**
   * When nothing is written any more and everything is applied. `asProof`: without the tables that others may have
   * written to on the destination.
   */
  async inWindow(signal: AbortSignal, { asProof }: { asProof: boolean }): Promise<InWindow> {
    const context = this.#context
    const { touched, record } = this.options
    const { tables } = record()
    await using both = await context.open(signal, { workers: windowWorkers, reached: async () => {} })
    const known = context.updateGroups(both)
    const signatures = await context.signatures(both, known)
    return await compareInWindow({
      ...{ both, tables, signatures, signal },
      groups: context.groups,
      comparer: context.comparer,
      changes: touched.touches(Number.POSITIVE_INFINITY),
      isEpochCurrent: this.#wholeTables.isEpochCurrent,
      mayHaveChanged: asProof ? await this.#mayHaveChanged(signal) : () => false,
    })
  }

  /** A failure is shown and tried again: it must not end the following. */
  async #repeat(
    signal: AbortSignal,
    work: () => Promise<void>,
    { everyMs = 0, restPerWork = 0 }: { everyMs?: number; restPerWork?: number } = {},
  ) {
    while (!signal.aborted) {
      let restMs = Math.max(everyMs, shortestRestMs)
      try {
        if (this.options.status.stage === 'streaming' || this.options.record().progress === 'done') {
          const startedAt = performance.now()
          await work()
          this.#note = undefined
          restMs = Math.max(restMs, restPerWork * (performance.now() - startedAt))
        }
      } catch (error) {
        if (signal.aborted) break
        const isLater = error instanceof Later
        this.#note = isLater
          ? error.message
          : say`both sides cannot be compared now: ${errorInfo(error).message}`
        restMs = Math.max(restMs, isLater ? restAfterLaterMs : restAfterErrorMs)
      }
      await pause(restMs, signal).catch(() => {})
    }
  }
}

function seenAt(seen: ReadonlyMap<number, Seen>): number {
  const [first] = seen.values()
  return first?.at ?? Number.NEGATIVE_INFINITY
}
