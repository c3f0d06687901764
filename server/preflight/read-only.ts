// A destination whose sessions are read-only by default, which may be intended.
import { say } from '../../shared/say.ts'
import { readReadOnly } from '../catalog/read-only-state.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { type Check, type Finding, passed } from './check.ts'
import { fixes, ownerOf, superuser } from './fix.ts'

const setting = 'default_transaction_read_only'

interface Set {
  value: string
  role: string | null
  database: string | null
}

const readOnlyDestination: Check = {
  id: 'read-only-destination',
  title: 'Read-only destination',
  why: say`Sessions there are read-only by default. This may be intended, and applications could not write after the migration.`,
  fixable: true,
  async look({ destination }): Promise<Finding> {
    // The move that has made the database read-only also reports and resets it.
    if (await readReadOnly(destination)) return passed(say`a move of pgtrek keeps it read-only`)
    const { value } = await destination.one<{ value: string }>(
      `select reset_val as value from pg_catalog.pg_settings where name = '${setting}'`,
    )
    if (value !== 'on') return passed(say`new sessions can write`)
    const place = await whereSet(destination)
    return {
      status: 'warning',
      found: say`${setting} is on ${place.words}; pgtrek writes there anyway`,
      todo: say`Check that this is the right server. If it is, reset the setting before applications use it.`,
      sql: place.sql,
    }
  },
}

/** The most specific setting applies. https://www.postgresql.org/docs/current/sql-alterrole.html */
async function whereSet(session: Session): Promise<{ words: string; sql: ReturnType<typeof fixes> }> {
  const [set] = await session.query<Set>(`
    select s.value, r.rolname as role, d.datname as database
      from (select setrole, setdatabase, pg_catalog.split_part(one, '=', 2) as value
              from pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) one
             where one like '${setting}=%') s
      left join pg_catalog.pg_roles r on r.oid = s.setrole
      left join pg_catalog.pg_database d on d.oid = s.setdatabase
     where (s.setrole = 0 or r.rolname = current_user)
       and (s.setdatabase = 0 or d.datname = current_database())
     order by s.setrole = 0, s.setdatabase = 0
     limit 1`)
  if (!set) {
    const reset = [`alter system reset ${setting}`, 'select pg_reload_conf()']
    return { words: say`in the configuration of the server`, sql: fixes('destination', superuser, ...reset) }
  }
  const role = set.role === null ? undefined : quoteIdentifier(set.role)
  const database = set.database === null ? undefined : quoteIdentifier(set.database)
  const target = role ? `role ${role}${database ? ` in database ${database}` : ''}` : `database ${database}`
  const by = role ? superuser : ownerOf(`database ${database}`)
  // The session that runs the statement may be read-only as well.
  const reset = `begin read write; alter ${target} reset ${setting}; commit`
  return { words: wordsFor(role, database), sql: fixes('destination', by, reset) }
}

function wordsFor(role: string | undefined, database: string | undefined): string {
  if (!role) return say`for the database ${database}`
  return database ? say`for the role ${role} in the database ${database}` : say`for the role ${role}`
}

export const readOnlyChecks: readonly Check[] = [readOnlyDestination]
