// Which steps go to the server in one round trip: a statement for a small table takes less time than its way
// there, its commit and its answer.
import { tableKey } from '../../../shared/table-name.ts'
import type { Step } from '../plan/step.ts'
import type { RunInventory } from './context.ts'

/** A transaction keeps the locks of all its statements, and a server has room for a few thousand only. */
export const mostTogether = 100

/** Work on larger tables is better spread over several sessions. */
const smallBytes = 256 * 1024

/** Objects that nothing else of their kind is in the way of: sessions may make them side by side. */
const independent: ReadonlySet<string> = new Set([
  'TABLE',
  'SEQUENCE',
  'SEQUENCE OWNED BY',
  'DEFAULT',
  'COMMENT',
])

/** Behind the rows these do no work that grows with their table. */
const light: ReadonlySet<string> = new Set([
  'COMMENT',
  'INDEX ATTACH',
  'POLICY',
  'ROW SECURITY',
  'RULE',
  'SECURITY LABEL',
  'STATISTICS',
  'TRIGGER',
])

/** pg_dump's order is kept where something else may depend on it than what is known to. */
export function isAlone(step: Step): boolean {
  return step.pool === 'ddl' && !(step.work.kind === 'sql' && independent.has(step.info.kind))
}

export function admitsTogether({
  tables,
  existing,
}: Pick<RunInventory, 'tables' | 'existing'>): (step: Step) => boolean {
  const small = new Set(tables.filter(({ bytes }) => bytes <= smallBytes).map(({ oid }) => oid))
  const isSmall = (oid: number) => small.has(oid)
  return ({ pool, info, work, locks, isAgain }) => {
    if (work.kind !== 'sql' || isAgain) return false
    // What is there refuses to be made again, and would take its company along.
    if (work.mayExist && info.table && existing.has(tableKey(info.table))) return false
    if (pool === 'ddl' || light.has(info.kind)) return true
    const locked = [...(locks.shared ?? []), ...(locks.exclusive ?? [])]
    return pool === 'build' && locked.length > 0 && locked.every(isSmall)
  }
}
