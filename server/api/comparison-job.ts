// One comparison: what it is doing, how far it is, and its result. It is kept while the process lives.
import type { DataComparison, TableComparison } from '../../shared/comparison.ts'
import type {
  AppliedChange,
  CompareBody,
  Comparison,
  ComparisonResult,
  SchemaChange,
} from '../../shared/comparison-api.ts'
import { everything } from '../../shared/defaults.ts'
import { applyChanges, objectsOf } from '../compare/apply-changes.ts'
import { type ComparisonProgress, compareData } from '../compare/data.ts'
import type { SchemaComparisonRequest } from '../compare/schema.ts'
import { compareForSync } from '../compare/schema-sync.ts'
import { RunLock } from '../coordination/run-lock.ts'
import { Cancelled, errorInfo, PgtrekError, PlanRefused } from '../postgres/errors.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { newRunId } from '../runs/start-run.ts'
import { tell, tellMistake } from '../system/output.ts'

export interface ComparisonEnds {
  source: ConnectionSettings
  destination: ConnectionSettings
}
export type ComparedRequest = Comparison['request']

/** All tables together list at most so many rows, to bound the memory of the server and the size of the answer. */
const mostRows = 20_000
const defaultRows = 50

export class ComparisonJob {
  readonly id = newRunId()
  /** Never rejects. */
  readonly done: Promise<void>
  readonly #stop = new AbortController()
  readonly #startedAt = new Date()
  #finishedAt: Date | undefined
  #state: Comparison['state'] = 'comparing'
  #error: Comparison['error']
  #progress: ComparisonProgress | undefined
  #differing = 0
  #applied: AppliedChange[] | undefined
  #data: ComparisonResult['data']
  #schema: ComparisonResult['schema']

  constructor(
    readonly request: ComparedRequest,
    readonly ends: { source: string; destination: string },
    settings: ComparisonEnds,
    /** The ids of changes to apply to the destination. */
    confirmed?: readonly string[],
  ) {
    this.done = this.#run(settings, confirmed)
  }

  /** Makes a CompareBody without its connections to what is compared and shown. */
  static requestOf({ source: _, destination: __, ...rest }: CompareBody): ComparedRequest {
    return rest
  }

  get isRunning(): boolean {
    return this.#finishedAt === undefined
  }

  cancel() {
    this.#stop.abort()
  }

  view(): Comparison {
    const finished = this.#finishedAt
    return {
      id: this.id,
      kind: this.request.kind,
      state: this.#state,
      stopping: this.isRunning && this.#stop.signal.aborted,
      outcome: this.#outcome(),
      started_at: this.#startedAt.toISOString(),
      finished_at: finished?.toISOString() ?? null,
      elapsed_seconds: ((finished ?? new Date()).getTime() - this.#startedAt.getTime()) / 1000,
      ...this.ends,
      request: this.request,
      progress: this.#shownProgress(),
      ...(this.#error && { error: this.#error }),
      ...(this.#applied && { applied: this.#applied }),
    }
  }

  result(): ComparisonResult {
    return {
      comparison: this.view(),
      ...(this.#data && { data: this.#data }),
      ...(this.#schema && { schema: this.#schema }),
    }
  }

  async #run(settings: ComparisonEnds, confirmed: readonly string[] | undefined): Promise<void> {
    const { signal } = this.#stop
    try {
      if (confirmed) await this.#synchronise(settings, confirmed)
      else if (this.request.kind === 'schema') this.#schema = await compareForSync(this.#schemas(settings))
      else this.#data = await this.#compareData(settings)
      this.#state = 'done'
    } catch (error) {
      // The locks of a synchronisation were lost.
      const isLost = this.#error !== undefined
      const isCancelled = !isLost && (signal.aborted || error instanceof Cancelled)
      this.#state = isCancelled ? 'cancelled' : 'failed'
      if (!isCancelled && !isLost) {
        this.#error = errorInfo(error)
        if (!(error instanceof PgtrekError)) tellMistake(error)
      }
    } finally {
      this.#finishedAt = new Date()
    }
  }

  async #compareData(settings: ComparisonEnds): Promise<ComparisonResult['data']> {
    const { selection, tables, fast = false, rows = defaultRows, values, filter, workers } = this.request
    const comparison = await compareData({
      ...settings,
      ...{ fast, filter, workers },
      selection: { ...everything, ...selection },
      rules: tables,
      drill: fast || rows === 0 ? undefined : { limit: rows, values },
      signal: this.#stop.signal,
      onProgress: (progress) => {
        this.#progress = progress
      },
      onTable: ({ status }) => {
        if (status !== 'same') this.#differing++
      },
    })
    return withBoundedRows(comparison)
  }

  #schemas(settings: ComparisonEnds): SchemaComparisonRequest {
    const { selection, owner, acl, comments, tablespaces, publications, securityLabels } = this.request
    return {
      ...settings,
      ...{ owner, acl, comments, tablespaces, publications, securityLabels },
      selection: { ...everything, ...selection },
      signal: this.#stop.signal,
    }
  }

  /** Compares, applies exactly what was confirmed, and compares again: the result is what the servers have then. */
  async #synchronise(settings: ComparisonEnds, confirmed: readonly string[]): Promise<void> {
    const { signal } = this.#stop
    await using lock = await RunLock.open(settings.destination, {
      what: 'schema sync',
      signal,
      onLost: (error) => {
        this.#error = errorInfo(error)
        this.#stop.abort()
      },
      say: tell,
    })
    await lock.beginPlanning(signal)
    const before = await compareForSync(this.#schemas(settings))
    const changes = confirmedChanges(before.differences, confirmed)
    await lock.take(objectsOf(changes))
    await lock.endPlanning()
    signal.throwIfAborted()
    this.#state = 'applying'
    const applied: AppliedChange[] = []
    this.#applied = applied
    const { destination } = settings
    await applyChanges({ destination, changes, signal, onApplied: (change) => applied.push(change) })
    signal.throwIfAborted()
    this.#state = 'checking'
    this.#schema = await compareForSync({ ...this.#schemas(settings), allowUnused: true })
  }

  /** Schemas without differences are the same only if all tables could be read. */
  #outcome(): Comparison['outcome'] {
    const result = this.#data ?? this.#schema
    const isPartial = result?.status === 'same' && (this.#schema?.unreadable.length ?? 0) > 0
    return isPartial ? null : (result?.status ?? null)
  }

  #shownProgress(): Comparison['progress'] {
    if (!this.#progress) return null
    const { tables, settledTables, bytes, readBytes, readRows } = this.#progress
    const seconds = ((this.#finishedAt ?? new Date()).getTime() - this.#startedAt.getTime()) / 1000
    const rate = seconds > 0 ? readBytes / seconds : 0
    return {
      tables,
      settled_tables: settledTables,
      differing_tables: this.#differing,
      bytes,
      read_bytes: readBytes,
      read_rows: readRows,
      bytes_per_second: rate,
      seconds_left: this.isRunning && rate > 0 ? Math.max(0, bytes - readBytes) / rate : null,
    }
  }
}

/** Throws unless the comparison of now makes exactly the changes that were shown. */
export function confirmedChanges(
  differences: readonly SchemaChange[],
  confirmed: readonly string[],
): SchemaChange[] {
  const wanted = new Set(confirmed)
  const changes = differences.filter(({ id, sql }) => wanted.has(id) && sql.length > 0)
  if (changes.length < wanted.size) {
    throw new PlanRefused(
      `the schemas have changed since they were compared: ${wanted.size - changes.length} of the ${wanted.size} confirmed changes would be others now. Nothing was changed; compare the schemas again`,
    )
  }
  return changes
}

function withBoundedRows(comparison: DataComparison): ComparisonResult['data'] {
  let left = mostRows
  let cut = 0
  const tables = comparison.tables.map((table): TableComparison => {
    if (!table.drill) return table
    const rows = table.drill.rows.slice(0, left)
    left -= rows.length
    if (rows.length < table.drill.rows.length) cut++
    return { ...table, drill: { ...table.drill, rows } }
  })
  return { ...comparison, tables, rows_cut: cut }
}

export function shownEnds({ source, destination }: ComparisonEnds): { source: string; destination: string } {
  return { source: describeSettings(source), destination: describeSettings(destination) }
}
