// Settings of a server: how they are read, and how each can be changed. A change is a statement or, where no user may run
// one, an instruction that names the place where the provider has the setting.
import { say } from '../../shared/say.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import type { CheckContext } from './check.ts'
import { type End, type Fix, fixes, ownerOf, superuser } from './fix.ts'

interface Kept {
  name: string
  /** Where the value of a new session comes from: `configuration file`, `database`, `user`, `command line`, ... */
  source: string
  context: string
}

export interface Change {
  sql: Fix[]
  /** Appended to the instruction of a finding; empty if the statements are enough. */
  words: string
}

/** Settings of a database, of a role or on the server's command line override ALTER SYSTEM. */
export async function changeSettings(
  context: Pick<CheckContext, End | 'facts' | 'managed'>,
  end: End,
  values: Record<string, string>,
): Promise<Change> {
  const names = Object.keys(values)
  if (names.length === 0) return { sql: [], words: '' }
  const { database, user } = context.facts[end]
  const kept = await context[end].query<Kept>(
    `select name, source, context from pg_catalog.pg_settings where name in (${names.map(quoteLiteral).join(', ')})`,
  )
  const managed = context.managed[end]
  const [role, place] = [quoteIdentifier(user), quoteIdentifier(database)]
  const sql: Fix[] = []
  const words: string[] = []
  let isReloaded = false
  for (const name of names) {
    const setting = kept.find((one) => one.name === name)
    const set = `set ${name} = ${quoteLiteral(values[name] ?? '')}`
    const isSuperusers = setting?.context === 'superuser'
    const by = (owner: string) => (isSuperusers ? superuser : owner)
    if (setting?.source === 'database') {
      sql.push(...fixes(end, by(ownerOf(`database ${place}`)), `alter database ${place} ${set}`))
    } else if (setting?.source === 'user') {
      sql.push(...fixes(end, by('the role itself or a superuser'), `alter role ${role} ${set}`))
    } else if (setting?.source === 'database user') {
      sql.push(...fixes(end, superuser, `alter role ${role} in database ${place} ${set}`))
    } else if (setting?.source === 'command line') {
      words.push(say`${name} is set on the command line of the ${end}: change it to ${values[name]} there.`)
    } else if (managed) {
      const assigned = `${name} = ${values[name]}`
      words.push(say`${managed.name}: set ${assigned}, ${managed.settings}.`)
    } else {
      sql.push(...fixes(end, superuser, `alter system ${set}`))
      isReloaded ||= setting?.context !== 'postmaster'
    }
  }
  if (isReloaded) sql.push(...fixes(end, superuser, 'select pg_reload_conf()'))
  return { sql, words: words.map((one) => ` ${one}`).join('') }
}

export async function settingOf(session: Session, name: string): Promise<string | null> {
  const { value } = await session.one<{ value: string | null }>(
    `select current_setting('${name}', true) as value`,
  )
  return value
}

/** The number in the unit of `pg_settings`. */
export async function numberOf(session: Session, name: string): Promise<number | null> {
  const [row] = await session.query<{ value: number }>(
    `select setting::float8 as value from pg_catalog.pg_settings where name = '${name}'`,
  )
  return row?.value ?? null
}
