// The visible lines of the board, in order: mappings, below expanded ones their databases, and below every
// expanded line its details.
import type { FleetDatabase, FleetMappingView, FleetState } from '../../shared/fleet.ts'

export type MappingHead = Omit<FleetMappingView, 'databases'>
export interface BoardMapping {
  head: MappingHead
  databases: readonly FleetDatabase[]
}

export const fleetSorts = ['state', 'name', 'lag', 'rows', 'rate', 'errors', 'progress'] as const
export type FleetSort = (typeof fleetSorts)[number]

export interface BoardChoice {
  search: string
  state: FleetState | 'all'
  sort: FleetSort
  /** What the user expanded or collapsed, by key. */
  open: ReadonlyMap<string, boolean>
}

interface Row {
  key: string
  mapping: BoardMapping
}
export type BoardRow =
  | (Row & { kind: 'mapping'; open: boolean })
  | (Row & { kind: 'mapping-more' })
  | (Row & { kind: 'database'; database: FleetDatabase; open: boolean })
  | (Row & { kind: 'database-more'; database: FleetDatabase })

/** What needs attention comes first. */
export const statesByNeed: readonly FleetState[] = [
  'problem',
  'retrying',
  'switchover',
  'ready',
  'paused',
  'elsewhere',
  'synced',
  'catchup',
  'copying',
  'schema',
  'preflight',
  'waiting',
  'done',
  'returned',
  'complete',
]

export function boardRows(mappings: readonly BoardMapping[], choice: BoardChoice): BoardRow[] {
  const order = orders[choice.sort]
  const words = choice.search.toLowerCase().split(/\s+/).filter(Boolean)
  const isNarrowed = words.length > 0 || choice.state !== 'all'
  return mappings
    .map((mapping) => ({ mapping, databases: databasesShown(mapping, words, choice.state) }))
    .filter(({ mapping, databases }) => databases.length > 0 || isItself(mapping, words, choice.state))
    .sort((one, other) => order(of(one.mapping), of(other.mapping)))
    .flatMap(({ mapping, databases }) => rowsOf(mapping, databases, { choice, isNarrowed, order }))
}

export function countStates(mappings: readonly BoardMapping[]): Map<FleetState, number> {
  const counts = new Map<FleetState, number>()
  for (const { databases } of mappings) {
    for (const { state } of databases) counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return counts
}

/** Without this, a database that no process runs any more would still count as ready. */
export function isGreen({ state, ready }: FleetDatabase): boolean {
  return state === 'ready' || (state === 'synced' && ready?.green === true)
}

export function isOver({ state }: Pick<FleetDatabase, 'state'>): boolean {
  return state === 'done' || state === 'returned' || state === 'complete'
}

export function mappingKey(name: string): string {
  return `m ${name}`
}

function rowsOf(
  mapping: BoardMapping,
  databases: FleetDatabase[],
  { choice, isNarrowed, order }: { choice: BoardChoice; isNarrowed: boolean; order: Order },
): BoardRow[] {
  const key = mappingKey(mapping.head.name)
  // A search shows what it finds.
  const open = choice.open.get(key) ?? (isNarrowed && databases.length > 0)
  const rows: BoardRow[] = [{ kind: 'mapping', key, mapping, open }]
  if (!open) return rows
  rows.push({ kind: 'mapping-more', key: `${key} more`, mapping })
  for (const database of databases.sort((one, other) => order(ofDatabase(one), ofDatabase(other)))) {
    const own = `d ${mapping.head.name} ${database.name}`
    const isOpen = choice.open.get(own) === true
    rows.push({ kind: 'database', key: own, mapping, database, open: isOpen })
    if (isOpen) rows.push({ kind: 'database-more', key: `${own} more`, mapping, database })
  }
  return rows
}

/** All databases of a mapping whose own name matches. */
function databasesShown(
  { head, databases }: BoardMapping,
  words: readonly string[],
  state: FleetState | 'all',
): FleetDatabase[] {
  const text = headText(head)
  return databases.filter(
    (one) =>
      (state === 'all' || one.state === state) &&
      words.every((word) => text.includes(word) || one.name.toLowerCase().includes(word)),
  )
}

function isItself({ head }: BoardMapping, words: readonly string[], state: FleetState | 'all'): boolean {
  const text = headText(head)
  return (state === 'all' || head.state === state) && words.every((word) => text.includes(word))
}

function headText({ name, source, destination }: MappingHead): string {
  return `${name} ${source} ${destination}`.toLowerCase()
}

interface Ordered {
  name: string
  state: FleetState
  lag: number
  rows: number
  rate: number
  errors: number
  progress: number
}
type Order = (one: Ordered, other: Ordered) => number

function of({ head }: BoardMapping): Ordered {
  const { name, state, lag_bytes: lag, bytes_per_second: rate, errors, tables, tables_done } = head
  const progress = tables > 0 ? tables_done / tables : 0
  return { name, state, lag, rows: Math.abs(head.row_difference ?? 0), rate, errors, progress }
}

function ofDatabase(database: FleetDatabase): Ordered {
  const { name, state, lag_bytes: lag, bytes_per_second: rate, tables, tables_done } = database
  const progress = tables > 0 ? tables_done / tables : 0
  const rows = Math.abs(database.row_difference ?? 0)
  return { name, state, lag, rows, rate, errors: errorsOf(database), progress }
}

export function errorsOf({ error, failed_tables }: FleetDatabase): number {
  return failed_tables.length + (error ? 1 : 0)
}

const names = new Intl.Collator('en', { numeric: true })
const rank = new Map(statesByNeed.map((state, index) => [state, index]))
const byName: Order = (one, other) => names.compare(one.name, other.name)
const most =
  (read: (one: Ordered) => number): Order =>
  (one, other) =>
    read(other) - read(one) || byName(one, other)

const orders: Record<FleetSort, Order> = {
  state: (one, other) => (rank.get(one.state) ?? 0) - (rank.get(other.state) ?? 0) || byName(one, other),
  name: byName,
  lag: most(({ lag }) => lag),
  rows: most(({ rows }) => rows),
  rate: most(({ rate }) => rate),
  errors: most(({ errors }) => errors),
  progress: most(({ progress }) => progress),
}
