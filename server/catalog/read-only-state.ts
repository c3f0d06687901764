// The record in a database that pgtrek has made it read-only: a function that rejects writes, whose comment names the
// moves that requested it and the setting of the database before. So a later process, after a kill or with another
// state directory, can undo it.
import { quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'

export const guardFunction = 'pgtrek.refuse_writes()'
export const guardTrigger = 'pgtrek_read_only'

/** `switching` until the switchover has been proven. */
export type ReadOnlyMark = 'switching' | 'switched_over'

export interface ReadOnlyState {
  /** The setting default_transaction_read_only of the database before; null when it had none. */
  before: string | null
  /** The names of the moves that requested it. Empty while it is being undone. */
  moves: Record<string, ReadOnlyMark>
}

/** Undefined when pgtrek has not made this database read-only. */
export async function readReadOnly(session: Session): Promise<ReadOnlyState | undefined> {
  const [row] = await session.query<{ comment: string | null }>(`
    select pg_catalog.obj_description(p.oid, 'pg_proc') as comment
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where n.nspname = 'pgtrek' and p.proname = 'refuse_writes' and p.pronargs = 0`)
  if (!row) return undefined
  try {
    const { before, moves } = JSON.parse(row.comment ?? '{}') as Partial<ReadOnlyState>
    return { before: before ?? null, moves: moves ?? {} }
  } catch {
    // The comment was changed by a user; the function is still ours.
    return { before: null, moves: {} }
  }
}

export function commentSql(state: ReadOnlyState): string {
  return `comment on function ${guardFunction} is ${quoteLiteral(JSON.stringify(state))}`
}

/** Two moves may change it at the same time. The lock is held until the transaction ends. */
export const lockSql = `select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('pgtrek.refuse_writes'))`

export async function readReadOnlyDefault(session: Session): Promise<string | null> {
  const [row] = await session.query<{ setting: string }>(`
    select substr(setting, length('default_transaction_read_only=') + 1) as setting
      from pg_catalog.pg_db_role_setting s
      join pg_catalog.pg_database d on d.oid = s.setdatabase,
           unnest(s.setconfig) setting
     where d.datname = pg_catalog.current_database()
       and s.setrole = 0
       and setting like 'default_transaction_read_only=%'`)
  return row?.setting ?? null
}

export function defaultSql(database: string, before: string | null): string {
  return before === null
    ? `alter database ${database} reset default_transaction_read_only`
    : `alter database ${database} set default_transaction_read_only = ${quoteLiteral(before)}`
}
