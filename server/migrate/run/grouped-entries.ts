// Which steps are sent to the server in one round trip: a statement for a small table takes less time than the round
// trip and the commit.
import { tableKey } from '../../../shared/table-name.ts'
import type { Step } from '../plan/step.ts'
import type { RunInventory } from './context.ts'

/** A transaction keeps the locks of all its statements, and the lock table of a server has a few thousand entries. */
export const mostTogether = 100

/** Work on larger tables is faster in several sessions. */
const smallBytes = 256 * 1024

/** Kinds whose objects do not conflict with each other: several sessions may create them at once. */
const independent: ReadonlySet<string> = new Set([
  'TABLE',
  'SEQUENCE',
  'SEQUENCE OWNED BY',
  'DEFAULT',
  'COMMENT',
])

/** Kinds whose work does not grow with their table, although they are created after the rows. */
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

/** pg_dump's order is kept where an object may have dependencies that the catalogs do not contain. */
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
    // CREATE of an existing object fails, and the whole batch with it.
    if (work.mayExist && info.table && existing.has(tableKey(info.table))) return false
    if (pool === 'ddl' || light.has(info.kind)) return true
    const locked = [...(locks.shared ?? []), ...(locks.exclusive ?? [])]
    return pool === 'build' && locked.length > 0 && locked.every(isSmall)
  }
}
