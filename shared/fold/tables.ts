// The state of each table: its rows, and the time spent on it.
import type { MigrationEvent } from '../event.ts'
import type { TableProgress, TableStatus } from '../progress.ts'
import type { TableName } from '../table-name.ts'
import type { Work } from './work.ts'

type PlannedTable = Extract<MigrationEvent, { type: 'planned' }>['tables'][number]

interface Table {
  progress: TableProgress
  plannedRows: number
  plannedBytes: number
  /** Its share of the total work, and how much of that is done. */
  weight: number
  fraction: number
  startedAt?: number
}

/** Total so far. */
export interface Counted {
  rows: number
  bytes: number
  collided: number
}

export interface Moved {
  rows: number
  bytes: number
  /** The amount of work. */
  weight: number
}

export class TableLedger {
  readonly #tables = new Map<string, Table>()
  readonly #running = new Set<Table>()
  migratedRows = 0
  migratedBytes = 0
  totalBytes = 0
  settled = 0

  constructor(readonly work: Work) {}

  get count(): number {
    return this.#tables.size
  }

  plan(planned: PlannedTable, movesRows: boolean): void {
    const table = this.#get(planned, planned.bytes, movesRows)
    table.plannedRows = Math.max(0, Math.round(planned.rows))
    table.progress.total_rows = Math.max(table.plannedRows, table.progress.migrated_rows)
    if (movesRows) this.#setBytes(table, table.progress.migrated_bytes, Math.max(0, planned.bytes))
  }

  find(name: TableName): Readonly<TableProgress> | undefined {
    return this.#tables.get(key(name))?.progress
  }

  plannedBytes(name: TableName): number {
    return this.#tables.get(key(name))?.plannedBytes ?? 0
  }

  start(name: TableName, at: number): void {
    const table = this.#get(name)
    if (isSettled(table)) return
    table.progress.status = 'in_progress'
    table.startedAt ??= at
    this.#running.add(table)
  }

  copiedBy(name: TableName, worker: string): void {
    this.#get(name).progress.worker = worker
  }

  /** Returns the increase since the last call; undefined when a table starts again. */
  rows(name: TableName, { rows, bytes, collided }: Counted, at: number): Moved {
    this.start(name, at)
    const table = this.#get(name)
    if (isSettled(table)) return { rows: 0, bytes: 0, weight: 0 }
    const { progress } = table
    const moved = {
      rows: Math.max(0, rows - progress.migrated_rows),
      bytes: Math.max(0, bytes - progress.migrated_bytes),
    }
    const before = rows < progress.migrated_rows ? 0 : table.fraction
    this.#setRows(table, rows)
    progress.collided = collided
    // An exceeded estimate is wrong, and `5 of 3 rows` would be misleading.
    progress.total_rows = Math.max(progress.total_rows, rows + collided)
    this.#setBytes(table, bytes, Math.max(progress.total_bytes, bytes))
    return { ...moved, weight: this.#advance(table, Math.max(before, estimatedFraction(table))) }
  }

  /** Copied, or created when no rows are copied. Returns the remaining work. */
  complete(name: TableName, seconds: number): number {
    const table = this.#get(name)
    if (isSettled(table)) return 0
    const { progress } = table
    progress.total_rows = progress.migrated_rows + progress.collided
    progress.copy_seconds = seconds
    this.#setBytes(table, progress.migrated_bytes, progress.migrated_bytes)
    progress.percent = 100
    return this.#settle(table, 'completed')
  }

  /** Failed, skipped or cancelled: a table is whole or absent, so none of its rows are there. */
  abandon(name: TableName, status: TableStatus, seconds: number): number {
    const table = this.#get(name)
    if (isSettled(table)) return 0
    this.#setRows(table, 0)
    table.progress.collided = 0
    this.#setBytes(table, 0, table.progress.total_bytes)
    table.progress.percent = 0
    table.progress.copy_seconds = seconds
    this.work.loseRows(table.weight)
    return this.#settle(table, status)
  }

  addIndexSeconds(name: TableName, seconds: number): void {
    const table = this.#tables.get(key(name))
    if (table) table.progress.index_seconds += seconds
  }

  /** The run is over: a table that is neither complete nor failed was not migrated. */
  stop(status: TableStatus, at: number): void {
    for (const table of this.#tables.values()) {
      if (isSettled(table)) continue
      const seconds = table.startedAt === undefined ? 0 : (at - table.startedAt) / 1000
      this.abandon(table.progress, status, seconds)
    }
  }

  /** Copies, which do not change when the run continues. */
  progress(now: number): TableProgress[] {
    return Array.from(this.#tables.values(), (table) => snapshot(table, now))
  }

  running(now: number): TableProgress[] {
    return Array.from(this.#running, (table) => snapshot(table, now))
  }

  #get(name: TableName, bytes = 0, movesRows = true): Table {
    const found = this.#tables.get(key(name))
    if (found) return found
    const table: Table = {
      progress: emptyTable(name),
      plannedRows: 0,
      plannedBytes: Math.max(0, bytes),
      weight: movesRows ? this.work.addTable(bytes) : 0,
      fraction: 0,
    }
    this.#tables.set(key(name), table)
    return table
  }

  #setRows(table: Table, rows: number): void {
    this.migratedRows += rows - table.progress.migrated_rows
    table.progress.migrated_rows = rows
  }

  #setBytes(table: Table, migrated: number, total: number): void {
    const { progress } = table
    this.migratedBytes += migrated - progress.migrated_bytes
    this.totalBytes += total - progress.total_bytes
    progress.migrated_bytes = migrated
    progress.total_bytes = total
  }

  #settle(table: Table, status: TableStatus): number {
    table.progress.status = status
    this.settled++
    this.#running.delete(table)
    return this.#advance(table, 1)
  }

  #advance(table: Table, fraction: number): number {
    const added = table.weight * (fraction - table.fraction)
    table.fraction = fraction
    if (table.progress.status === 'in_progress') table.progress.percent = Math.floor(fraction * 100)
    this.work.moveRows(added)
    return Math.max(0, added)
  }
}

/** By rows while their estimate is not exceeded: the bytes of COPY differ from those of the table on disk. */
function estimatedFraction({ progress, plannedRows, plannedBytes }: Table): number {
  const read = progress.migrated_rows + progress.collided
  if (plannedRows > 0 && read <= plannedRows) return Math.min(0.99, read / plannedRows)
  return plannedBytes > 0 ? Math.min(0.99, progress.migrated_bytes / plannedBytes) : 0
}

function isSettled({ progress }: Table): boolean {
  return progress.status !== 'pending' && progress.status !== 'in_progress'
}

function snapshot({ progress, startedAt }: Table, now: number): TableProgress {
  if (progress.status !== 'in_progress' || startedAt === undefined) return { ...progress }
  return { ...progress, copy_seconds: Math.max(0, now - startedAt) / 1000 }
}

function emptyTable({ schema, name }: TableName): TableProgress {
  return {
    schema,
    name,
    status: 'pending',
    total_rows: 0,
    migrated_rows: 0,
    collided: 0,
    percent: 0,
    total_bytes: 0,
    migrated_bytes: 0,
    copy_seconds: 0,
    index_seconds: 0,
  }
}

/** The only character that PostgreSQL does not allow in a name. */
function key({ schema, name }: TableName): string {
  return `${schema}\0${name}`
}
