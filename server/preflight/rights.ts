// The rights of our role on each side, and the roles and tablespaces that the destination needs.
import { mayChangeDatabase, readUsedRoles, unusableRoles } from '../catalog/destination.ts'
import { listSequences } from '../catalog/sequences.ts'
import type { ServerFacts } from '../catalog/server.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { type Managed, managedBy } from '../roles/recognise.ts'
import { dumpsUnreadableSequencesSince } from '../schema/dump.ts'
import { isUsers, qualifiedName, relationsWhere } from './catalog-sql.ts'
import {
  type Check,
  type CheckContext,
  type Finding,
  fine,
  foundIn,
  namesFound,
  type Remark,
  unless,
} from './check.ts'
import { superuser as aSuperuser, type Fix, fixes } from './fix.ts'
import type { Scope } from './scope.ts'
import { superuserNeeds } from './superuser-needs.ts'

const roles: Check = {
  id: 'roles',
  planned: true,
  title: 'Roles',
  why: 'Objects whose owner is missing will belong to the connecting role, and grants to missing roles are omitted.',
  fixable: true,
  async look({ source, facts, lacks, options, scope, managed }): Promise<Finding> {
    if (!options.owner && !options.acl) return fine('owners and grants are not migrated')
    const usedRoles = await usedBy(source, scope)
    const unusable = unusableRoles({ lacks, usedRoles })
    const missing = unusable.filter((name) => !lacks.roles.has(name))
    const { user, superuser } = facts.destination
    const ofProvider = managedBy((await source.query<{ name: string }>(allRoles)).map(({ name }) => name))
    const isOutOfReach = (name: string) =>
      name.startsWith('pg_') || [ofProvider, managed.destination].some((one) => one?.isInternal(name))
    const objects = unusable.map((name) =>
      lacks.roles.has(name) ? `${name}: "${user}" is not a member of it` : `${name}: does not exist`,
    )
    return unless(
      objects,
      usedRoles.length === 0 ? 'no other role is used' : 'all roles that are used exist there',
      {
        status: 'warning',
        found:
          missing.length > 0
            ? 'the destination lacks roles that own objects or have grants'
            : `"${user}" may not assign objects to all of their owners`,
        todo: `Run "pgtrek roles" first, which migrates them with their rights, or use --no-owner and --no-acl.${unusable.some(isOutOfReach) ? ' Roles of PostgreSQL itself or of a provider can be neither created nor granted: their objects will belong to the connecting role.' : ''}`,
        sql: unusable
          .filter((name) => !isOutOfReach(name))
          .flatMap((name) =>
            fixes(
              'destination',
              'a role with CREATEROLE that may grant it, or a superuser',
              ...(lacks.roles.has(name) ? [] : [`create role ${quoteIdentifier(name)}`]),
              ...(superuser ? [] : [`grant ${quoteIdentifier(name)} to ${quoteIdentifier(user)}`]),
            ),
          ),
      },
    )
  },
}

const allRoles = 'select rolname as name from pg_catalog.pg_roles'

/** Roles that own a migrated object or have a grant on one. */
async function usedBy(source: Session, scope: Scope): Promise<string[]> {
  if (scope.isEverything) return await readUsedRoles(source)
  const rows = await source.query<{ name: string; catalog: string; oid: number }>(`
    select distinct r.rolname as name, d.classid::regclass::text as catalog, d.objid as oid
      from pg_catalog.pg_shdepend d
      join pg_catalog.pg_roles r on r.oid = d.refobjid
     where d.refclassid = 'pg_catalog.pg_authid'::regclass
       and d.dbid = (select oid from pg_catalog.pg_database where datname = current_database())
     order by 1`)
  const moved = rows.filter(({ catalog, oid }) => {
    const name = catalog.replace(/^pg_catalog\./, '')
    return isListed(name) ? scope.has(oid, name) : scope.hasOther()
  })
  return [...new Set(moved.map(({ name }) => name))]
}

const listed = ['pg_class', 'pg_proc', 'pg_type', 'pg_namespace'] as const

function isListed(catalog: string): catalog is (typeof listed)[number] {
  return listed.some((one) => one === catalog)
}

const tablespaces: Check = {
  id: 'tablespaces',
  planned: true,
  title: 'Tablespaces',
  why: 'Objects in a tablespace that the destination lacks are created in its default tablespace.',
  async look(context): Promise<Remark> {
    const { lacks, options } = context
    if (!options.tablespaces) return fine('tablespaces are not migrated')
    const rows = await namesFound(
      context,
      `select coalesce(i.indrelid, c.oid) as of, t.spcname as name
         from pg_catalog.pg_class c
         join pg_catalog.pg_tablespace t on t.oid = c.reltablespace
         left join pg_catalog.pg_index i on i.indexrelid = c.oid
        where c.oid >= 16384 and t.spcname <> 'pg_global'
        order by 2`,
    )
    const used = [...new Set(rows)]
    const missing = used.filter((name) => !lacks.tablespaces.has(name))
    return unless(missing, used.length === 0 ? 'only the default one is used' : 'all exist there', {
      status: 'warning',
      found: 'the destination lacks some',
      // No statement: the directory is not known here.
      todo: "Create them on the destination (CREATE TABLESPACE ... LOCATION, with an empty directory of the server's user), or use --no-tablespaces to create everything in the default one.",
    })
  },
}

const reading: Check = {
  id: 'source-rights',
  title: 'Rights on the source',
  why: 'Tables and sequences that the role may not read are not copied.',
  fixable: true,
  async look(context): Promise<Finding> {
    const { source, facts, scope, managed } = context
    const [tables, listedSequences] = await Promise.all([
      namesFound(
        context,
        `select c.oid as of, ${qualifiedName} as name
           from pg_catalog.pg_class c
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p')
            and c.relpersistence <> 't'
            and ${isUsers}
            and not (pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select'))
          order by 2`,
      ),
      listSequences(source),
    ])
    // Before that version, the dump fails at an unreadable sequence.
    const stops = source.major < dumpsUnreadableSequencesSince
    const sequences = listedSequences.filter(
      ({ oid, mayRead, isOfExtension }) => !mayRead && (isOfExtension || scope.has(oid)),
    )
    const isUndumped = stops && sequences.some(({ isOfExtension }) => !isOfExtension)
    const stopsAll = isUndumped || (tables.length > 0 && tables.length >= scope.tables)
    const objects = [
      ...tables.map((name) => `table ${name}`),
      ...sequences.map(({ schema, name }) => `sequence ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`),
    ]
    const user = quoteIdentifier(facts.source.user)
    return unless(objects, `"${facts.source.user}" may read everything`, {
      status: stopsAll ? 'blocker' : 'warning',
      found: `"${facts.source.user}" may not read everything${isUndumped ? `, and PostgreSQL ${source.major} cannot be dumped while a sequence may not be read` : ''}`,
      todo: 'Grant the right to read, or connect as an owner or a superuser.',
      sql:
        objects.length === 0
          ? []
          : source.major >= 14 && !managed.source
            ? fixes('source', aSuperuser, `grant pg_read_all_data to ${user}`)
            : await readingGrants(context, user),
    })
  },
}

/** The owner of each can grant it; one statement for a schema where all relations have one owner. */
async function readingGrants(context: CheckContext, user: string): Promise<Fix[]> {
  const [schemas, relations] = await Promise.all([
    context.source.query<{ schema: string; owner: string }>(`
      select pg_catalog.quote_ident(n.nspname) as schema, pg_catalog.pg_get_userbyid(n.nspowner) as owner
        from pg_catalog.pg_namespace n
       where ${isUsers} and not pg_catalog.has_schema_privilege(n.oid, 'usage')
       order by 1`),
    foundIn<{ schema: string; name: string; owner: string; kind: 'table' | 'sequence'; alone: boolean }>(
      context,
      `select c.oid as of, pg_catalog.quote_ident(n.nspname) as schema, ${qualifiedName} as name,
              pg_catalog.pg_get_userbyid(c.relowner) as owner,
              case c.relkind when 'S' then 'sequence' else 'table' end as kind,
              not exists (select from pg_catalog.pg_class o
                           where o.relnamespace = n.oid and o.relowner <> c.relowner
                             and o.relkind in ('r', 'p', 'v', 'm', 'f', 'S')) as alone
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'S') and c.relpersistence <> 't' and ${isUsers}
          and not (pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select'))
        order by 2, c.relkind <> 'S', 3`,
    ),
  ])
  const used = new Set(relations.map(({ schema }) => schema))
  const grants = relations.map(({ schema, name, owner, kind, alone }): [string, string] => [
    alone
      ? `grant select on all ${kind}s in schema ${schema} to ${user}`
      : `grant select on ${kind} ${name} to ${user}`,
    owner,
  ])
  const closed = schemas
    .filter(({ schema }) => used.has(schema))
    .map(({ schema, owner }): [string, string] => [`grant usage on schema ${schema} to ${user}`, owner])
  return [...new Map([...closed, ...grants])].flatMap(([sql, owner]) =>
    fixes('source', `"${owner}" or a superuser`, sql),
  )
}

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

const rowSecurity: Check = {
  id: 'row-security',
  title: 'Row security',
  why: 'A policy could hide or reject rows, so tables whose policies apply to the connecting role are not copied.',
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
    return unless(
      ends.flatMap(({ end, tables }) =>
        tables.map(({ name }) => (end === 'source' ? name : `${end}: ${name}`)),
      ),
      'no policy applies to the connecting roles',
      {
        status: 'warning',
        found: `policies apply to ${ends.map(({ end, user }) => `"${user}" on the ${end}`).join(' and to ')}: these tables will fail`,
        todo: 'Connect as a superuser, as the owner, or as a role with BYPASSRLS.',
        sql: ends.flatMap(({ end, user, tables }) =>
          managed[end]
            ? unpoliced(tables, user, managed[end]).flatMap(([by, sql]) => fixes(end, by, sql))
            : fixes(end, aSuperuser, `alter role ${quoteIdentifier(user)} bypassrls`),
        ),
      },
    )
  },
}

/** Where BYPASSRLS cannot be granted: policies do not apply to members of the owner, unless they are forced. */
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

const writing: Check = {
  id: 'destination-rights',
  title: 'Rights on the destination',
  why: 'Without the right to create objects, nothing can be migrated.',
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
    if (options.dataOnly) return fine('rows are copied into existing tables')
    return unless(objects, `"${user}" may create objects`, {
      status: isClosed && !(await hasTables(destination)) ? 'blocker' : 'warning',
      found: isClosed
        ? `"${user}" may not create any objects`
        : `"${user}" may not create objects everywhere`,
      todo: `Have the owner grant it.${possible.length < grants.length ? ` Rights on objects of a provider role (${managed.destination?.name}) cannot be granted: create a database of your own and use it as destination.` : ''}`,
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
  why: 'Only the owner of a database can change its settings, comment and grants.',
  fixable: true,
  look({ facts: { destination }, managed }): Finding {
    const { user, databaseOwner } = destination
    if (mayChangeDatabase({ destination })) return fine(`"${user}" may change the destination database`)
    const isOutOfReach = managed.destination?.isInternal(databaseOwner) ?? false
    return {
      status: 'warning',
      found: `the destination database belongs to "${databaseOwner}": its settings, comment and grants stay as they are`,
      todo: isOutOfReach
        ? `The owner is a role of the provider (${managed.destination?.name}) and cannot be changed: create a database of your own and use it as destination.`
        : 'Connect as its owner, or make the connecting role its owner.',
      sql: isOutOfReach ? [] : givenAway(destination, managed.destination),
    }
  },
}

/** A role that is not a superuser can change the owner only to a role that it is a member of. */
function givenAway({ user, database, databaseOwner }: ServerFacts, managed: Managed | undefined): Fix[] {
  const [name, owner] = [quoteIdentifier(user), quoteIdentifier(databaseOwner)]
  const given = `alter database ${quoteIdentifier(database)} owner to ${name}`
  if (!managed) return fixes('destination', aSuperuser, given)
  return managed.admin === databaseOwner
    ? fixes('destination', `a member of ${databaseOwner}`, `grant ${owner} to ${name}`)
    : fixes(
        'destination',
        `"${databaseOwner}" with CREATEROLE and CREATEDB`,
        `grant ${name} to ${owner}`,
        given,
      )
}

const superuser: Check = {
  id: 'superuser-needs',
  title: 'Objects that need a superuser',
  why: 'Other roles cannot create them, so they and the objects that depend on them would be missing.',
  async look({ source, facts, scope, options, managed }): Promise<Remark> {
    if (options.dataOnly) return fine('no objects are created')
    const provider = managed.destination?.name
    if (facts.destination.superuser)
      return fine(`"${facts.destination.user}" is a superuser on the destination`)
    return unless(await superuserNeeds(source, scope), 'there are none', {
      status: 'warning',
      found: `"${facts.destination.user}" is not a superuser on the destination${provider ? ` (${provider})` : ''}`,
      todo: provider
        ? 'Check which of these the provider allows; do without the others.'
        : 'Connect there as a superuser, or do without these objects.',
    })
  },
}

export const rightsChecks: readonly Check[] = [
  roles,
  tablespaces,
  reading,
  rowSecurity,
  writing,
  ownership,
  superuser,
]
