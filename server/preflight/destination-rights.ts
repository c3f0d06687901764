// The rights to create objects on the destination, and to change its database.
import { say } from '../../shared/say.ts'
import { mayChangeDatabase } from '../catalog/destination.ts'
import type { ServerFacts } from '../catalog/server.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import type { Managed } from '../roles/recognise.ts'
import { isUsers } from './catalog-sql.ts'
import { type Check, type Finding, findingFor, passed } from './check.ts'
import { type Fix, fixes, superuser } from './fix.ts'

const writing: Check = {
  id: 'destination-rights',
  title: 'Rights on the destination',
  why: say`Without the right to create objects, nothing can be migrated.`,
  fixable: true,
  async look({ source, destination, facts, scope, lacks, options, managed }): Promise<Finding> {
    const { user, database, databaseOwner } = facts.destination
    const may = lacks.mayCreateSchemas
    const schemas = (await source.query<{ oid: number; name: string }>(usedSchemas)).filter(
      ({ oid }) => scope.isEverything || scope.has(oid, 'pg_namespace'),
    )
    const there = new Map(
      (
        await destination.query<{ name: string; owner: string }>(
          // The role pg_database_owner is the owner of the database.
          `select n.nspname as name,
                  case pg_catalog.pg_get_userbyid(n.nspowner) when 'pg_database_owner' then pg_catalog.pg_get_userbyid(d.datdba)
                       else pg_catalog.pg_get_userbyid(n.nspowner) end as owner
             from pg_catalog.pg_namespace n, pg_catalog.pg_database d where d.datname = current_database()`,
        )
      ).map(({ name, owner }) => [name, owner]),
    )
    const grants = [
      ...(may
        ? []
        : [{ owner: databaseOwner, sql: `grant create on database ${quoteIdentifier(database)}` }]),
      ...schemas
        .filter(({ name }) => lacks.closedSchemas.has(name))
        .map(({ name }) => ({
          owner: there.get(name) ?? databaseOwner,
          sql: `grant usage, create on schema ${quoteIdentifier(name)}`,
        })),
    ]
    const possible = grants.filter(({ owner }) => !managed.destination?.isInternal(owner))
    const closed = schemas.flatMap(({ name }) => (lacks.closedSchemas.has(name) ? [name] : []))
    const missing = schemas.filter(({ name }) => !there.has(name))
    const objects = [...(may ? [] : [`database ${database}`]), ...closed.map((name) => `schema ${name}`)]
    const isClosed = !may && schemas.length > 0 && closed.length + missing.length === schemas.length
    if (options.dataOnly) return passed(say`rows are copied into existing tables`)
    return findingFor(objects, say`"${user}" may create objects`, {
      status: isClosed && !(await hasTables(destination)) ? 'blocker' : 'warning',
      found: isClosed
        ? say`"${user}" may not create any objects`
        : say`"${user}" may not create objects everywhere`,
      todo: say`Have the owner grant it.${possible.length < grants.length ? say` Rights on objects of a provider role (${managed.destination?.name}) cannot be granted: create a database of your own and use it as destination.` : ''}`,
      sql: possible.flatMap(({ owner, sql }) =>
        fixes('destination', `"${owner}" or a superuser`, `${sql} to ${quoteIdentifier(user)}`),
      ),
    })
  },
}

/** User schemas that are not empty. */
const usedSchemas = `
  select n.oid, n.nspname as name
    from pg_catalog.pg_namespace n
   where ${isUsers}
     and exists (select from pg_catalog.pg_class c where c.relnamespace = n.oid)`

/** Rows can be copied into existing tables without creating anything. */
async function hasTables(destination: Session): Promise<boolean> {
  const { any } = await destination.one<{ any: boolean }>(`
    select exists (select from pg_catalog.pg_class c
                     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                    where c.relkind in ('r', 'p') and ${isUsers}) as any`)
  return any
}

const ownership: Check = {
  id: 'database-owner',
  planned: true,
  title: 'Settings of the database itself',
  why: say`Only the owner of a database can change its settings, comment and grants.`,
  fixable: true,
  look({ facts: { destination }, managed }): Finding {
    const { user, databaseOwner } = destination
    if (mayChangeDatabase({ destination })) return passed(say`"${user}" may change the destination database`)
    const isOutOfReach = managed.destination?.isInternal(databaseOwner) ?? false
    return {
      status: 'warning',
      found: say`the destination database belongs to "${databaseOwner}": its settings, comment and grants stay as they are`,
      todo: isOutOfReach
        ? say`The owner is a role of the provider (${managed.destination?.name}) and cannot be changed: create a database of your own and use it as destination.`
        : say`Connect as its owner, or make the connecting role its owner.`,
      sql: isOutOfReach ? [] : ownerFixes(destination, managed.destination),
    }
  },
}

/** A role that is not a superuser can change the owner only to a role that it is a member of. */
function ownerFixes({ user, database, databaseOwner }: ServerFacts, managed: Managed | undefined): Fix[] {
  const [name, owner] = [quoteIdentifier(user), quoteIdentifier(databaseOwner)]
  const given = `alter database ${quoteIdentifier(database)} owner to ${name}`
  if (!managed) return fixes('destination', superuser, given)
  return managed.admin === databaseOwner
    ? fixes('destination', `a member of ${databaseOwner}`, `grant ${owner} to ${name}`)
    : fixes(
        'destination',
        `"${databaseOwner}" with CREATEROLE and CREATEDB`,
        `grant ${name} to ${owner}`,
        given,
      )
}

export const destinationRightsChecks: readonly Check[] = [writing, ownership]
