// Row security policies that apply to the connecting roles.
import { say } from '../../shared/say.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Managed } from '../roles/recognise.ts'
import { qualifiedName, relationsWhere } from './catalog-sql.ts'
import { type Check, type Finding, findingFor, foundIn, namesFound } from './check.ts'
import { fixes, superuser } from './fix.ts'

interface Policed {
  name: string
  owner: string
  /** Policies apply to the owner as well. */
  forced: boolean
}

const policed = `
  select c.oid as of, ${qualifiedName} as name, pg_catalog.pg_get_userbyid(c.relowner) as owner,
         c.relforcerowsecurity as forced
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relrowsecurity
     and c.relkind = 'r'
     and pg_catalog.row_security_active(c.oid)
   order by 2`

export const rowSecurity: Check = {
  id: 'row-security',
  title: 'Row security',
  why: say`A policy could hide or reject rows, so tables whose policies apply to the connecting role are not copied.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const { destination, facts, managed } = context
    const [ours, theirs] = await Promise.all([
      foundIn<Policed>(context, policed),
      destination.query<Policed>(policed),
    ])
    const moved = new Set(await namesFound(context, relationsWhere("c.relkind in ('r', 'p')")))
    const there = theirs.filter(({ name }) => moved.has(name))
    const ends = [
      { end: 'source' as const, tables: ours, user: facts.source.user },
      { end: 'destination' as const, tables: there, user: facts.destination.user },
    ].filter(({ tables }) => tables.length > 0)
    return findingFor(
      ends.flatMap(({ end, tables }) =>
        tables.map(({ name }) => (end === 'source' ? name : `${end}: ${name}`)),
      ),
      say`no policy applies to the connecting roles`,
      {
        status: 'warning',
        found: say`policies apply to ${ends.map(({ end, user }) => say`"${user}" on the ${end}`).join('; ')}: these tables will fail`,
        todo: say`Connect as a superuser, as the owner, or as a role with BYPASSRLS.`,
        sql: ends.flatMap(({ end, user, tables }) =>
          managed[end]
            ? unpoliced(tables, user, managed[end]).flatMap(([by, sql]) => fixes(end, by, sql))
            : fixes(end, superuser, `alter role ${quoteIdentifier(user)} bypassrls`),
        ),
      },
    )
  },
}

/**
 * For servers where BYPASSRLS cannot be granted: policies do not apply to members of the owner, unless they are
 * forced.
 */
function unpoliced(tables: readonly Policed[], user: string, managed: Managed): [by: string, sql: string][] {
  const reachable = tables.filter(({ owner }) => !managed.isInternal(owner))
  const owners = [...new Set(reachable.map(({ owner }) => owner))].filter((owner) => owner !== user)
  return [
    ...owners.map((owner): [string, string] => [
      managed.admin ? `a member of ${managed.admin}` : 'a role that may grant it',
      `grant ${quoteIdentifier(owner)} to ${quoteIdentifier(user)}`,
    ]),
    ...reachable
      .filter(({ forced }) => forced)
      .map(({ name, owner }): [string, string] => [
        `"${owner}"`,
        `alter table ${name} no force row level security`,
      ]),
  ]
}
