// What our roles may do on each side, and the roles and tablespaces that the destination must have.
import { readUsedRoles } from '../catalog/destination.ts'
import { listSequences } from '../catalog/sequences.ts'
import { mayChangeDatabase, unusableRoles } from '../engine/gaps.ts'
import { dumpsUnreadableSequencesSince } from '../engine/inventory.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { providerOf } from '../roles/recognise.ts'
import {
  type Check,
  type Finding,
  fine,
  foundIn,
  isUsers,
  namesFound,
  namesOf,
  qualifiedName,
  relationsWhere,
  unless,
} from './check.ts'
import type { Scope } from './scope.ts'
import { superuserNeeds } from './superuser-needs.ts'

const roles: Check = {
  id: 'roles',
  planned: true,
  title: 'Roles',
  why: 'Objects whose owner is missing will belong to the role that connects, and grants to missing roles are left out.',
  async look({ source, facts, lacks, options, scope }): Promise<Finding> {
    if (!options.owner && !options.acl) return fine('owners and grants are not carried')
    const usedRoles = await usedBy(source, scope)
    const unusable = unusableRoles({ lacks, usedRoles })
    const missing = unusable.filter((name) => !lacks.roles.has(name))
    const { user } = facts.destination
    const objects = unusable.map((name) =>
      lacks.roles.has(name) ? `${name}: "${user}" is not a member of it` : `${name}: does not exist`,
    )
    return unless(
      objects,
      usedRoles.length === 0 ? 'none besides ours is used' : 'all that are used exist there',
      {
        status: 'warning',
        found:
          missing.length > 0
            ? 'the destination lacks roles that own something or are granted something'
            : `"${user}" may not give objects to all their owners`,
        todo: 'Run pgtrek roles first, which brings them with their rights, or use --no-owner and --no-acl.',
        sql: unusable.map((name) =>
          lacks.roles.has(name)
            ? `grant ${quoteIdentifier(name)} to ${quoteIdentifier(user)}`
            : `create role ${quoteIdentifier(name)}`,
        ),
      },
    )
  },
}

/** Roles that own something that is moved, or are granted something of it. */
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
  why: 'What is in a tablespace that the destination lacks goes to its default one.',
  async look(sight): Promise<Finding> {
    const { lacks, options } = sight
    if (!options.tablespaces) return fine('tablespaces are not carried')
    const rows = await namesFound(
      sight,
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
      todo: 'Create them on the destination, or say with --no-tablespaces that the default one is right.',
      sql: missing.map(
        (name) => `create tablespace ${quoteIdentifier(name)} location '/path/on/the/destination'`,
      ),
    })
  },
}

const reading: Check = {
  id: 'source-rights',
  title: 'Rights on the source',
  why: 'A table that may not be read is not copied, and neither is a sequence.',
  async look(sight): Promise<Finding> {
    const { source, facts, scope } = sight
    const [tables, listedSequences] = await Promise.all([
      namesFound(
        sight,
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
    // There the dump stops at one that is moved.
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
      found: `"${facts.source.user}" may not read everything${isUndumped ? `, and PostgreSQL ${source.major} dumps nothing when a sequence may not be read` : ''}`,
      todo: 'Grant the right to read, or connect as an owner or a superuser.',
      sql:
        source.major >= 14
          ? [`grant pg_read_all_data to ${user}`]
          : (await unreadableSchemas(source.query.bind(source))).flatMap((schema) => [
              `grant usage on schema ${schema} to ${user}`,
              `grant select on all tables in schema ${schema} to ${user}`,
              `grant select on all sequences in schema ${schema} to ${user}`,
            ]),
    })
  },
}

async function unreadableSchemas(
  query: <Row extends object>(sql: string) => Promise<Row[]>,
): Promise<string[]> {
  const rows = await query<{ name: string }>(`
    select pg_catalog.quote_ident(n.nspname) as name
      from pg_catalog.pg_namespace n
     where ${isUsers}
     order by 1`)
  return rows.map(({ name }) => name)
}

interface Policed {
  name: string
}

const policed = `
  select c.oid as of, ${qualifiedName} as name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relrowsecurity
     and c.relkind = 'r'
     and pg_catalog.row_security_active(c.oid)
   order by 2`

const rowSecurity: Check = {
  id: 'row-security',
  title: 'Row security',
  why: 'A policy would hide rows from the copy, or refuse them, so a table whose policies apply to us is refused.',
  async look(sight): Promise<Finding> {
    const { destination, facts } = sight
    const [ours, theirs] = await Promise.all([
      foundIn<Policed>(sight, policed),
      destination.query<Policed>(policed),
    ])
    const moved = new Set(await namesFound(sight, relationsWhere("c.relkind in ('r', 'p')")))
    const there = theirs.filter(({ name }) => moved.has(name))
    const ends = [
      { end: 'source', tables: ours, user: facts.source.user },
      { end: 'destination', tables: there, user: facts.destination.user },
    ].filter(({ tables }) => tables.length > 0)
    return unless(
      ends.flatMap(({ end, tables }) =>
        tables.map(({ name }) => (end === 'source' ? name : `${end}: ${name}`)),
      ),
      'no policy applies to us',
      {
        status: 'warning',
        found: `policies apply to ${ends.map(({ end, user }) => `"${user}" on the ${end}`).join(' and to ')}: these tables will fail`,
        todo: 'Connect as a superuser, as the owner, or as a role with BYPASSRLS.',
        sql: ends.map(
          ({ end, user }) =>
            `${end === 'source' ? '' : `-- on the ${end}\n`}alter role ${quoteIdentifier(user)} bypassrls`,
        ),
      },
    )
  },
}

const writing: Check = {
  id: 'destination-rights',
  title: 'Rights on the destination',
  why: 'Without the right to create, nothing arrives.',
  async look({ source, destination, facts, scope, lacks, options }): Promise<Finding> {
    const { user, database } = facts.destination
    const may = lacks.mayCreateSchemas
    const schemas = (await source.query<{ oid: number; name: string }>(usedSchemas)).filter(
      ({ oid }) => scope.isEverything || scope.has(oid, 'pg_namespace'),
    )
    const there = new Set(
      await namesOf(destination, 'select n.nspname as name from pg_catalog.pg_namespace n'),
    )
    const closed = schemas.flatMap(({ name }) => (lacks.closedSchemas.has(name) ? [name] : []))
    const missing = schemas.filter(({ name }) => !there.has(name))
    const objects = [...(may ? [] : [`database ${database}`]), ...closed.map((name) => `schema ${name}`)]
    const isClosed = !may && schemas.length > 0 && closed.length + missing.length === schemas.length
    if (options.dataOnly) return fine('rows come into tables that are there')
    return unless(objects, `"${user}" may create objects`, {
      status: isClosed && !(await hasTables(destination)) ? 'blocker' : 'warning',
      found: isClosed ? `"${user}" may create nothing` : `"${user}" may not create objects everywhere`,
      todo: 'Let the owner of the destination database grant it.',
      sql: [
        ...(may ? [] : [`grant create on database ${quoteIdentifier(database)} to ${quoteIdentifier(user)}`]),
        ...closed.map(
          (name) => `grant usage, create on schema ${quoteIdentifier(name)} to ${quoteIdentifier(user)}`,
        ),
      ],
    })
  },
}

/** Of the user, with something in them. */
const usedSchemas = `
  select n.oid, n.nspname as name
    from pg_catalog.pg_namespace n
   where ${isUsers}
     and exists (select from pg_catalog.pg_class c where c.relnamespace = n.oid)`

/** Into tables that are there rows can be copied without creating anything. */
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
  why: 'Settings, comment and grants of a database can be changed by its owner only.',
  look({ facts: { destination } }) {
    return mayChangeDatabase({ destination })
      ? fine(`"${destination.user}" may change the destination database`)
      : {
          status: 'warning',
          found: `the destination database belongs to "${destination.databaseOwner}": its settings, comment and grants stay as they are`,
          todo: 'Connect as its owner, or give it to the role that connects.',
          sql: [
            `alter database ${quoteIdentifier(destination.database)} owner to ${quoteIdentifier(destination.user)}`,
          ],
        }
  },
}

const superuser: Check = {
  id: 'superuser-needs',
  title: 'Objects that only superusers create',
  why: 'They cannot be created by another role, so they and what needs them would be missing.',
  async look({ source, facts, lacks, scope, options }): Promise<Finding> {
    if (options.dataOnly) return fine('no objects are created')
    const provider = providerOf(lacks.roles.keys())
    if (facts.destination.superuser)
      return fine(`"${facts.destination.user}" is a superuser on the destination`)
    return unless(await superuserNeeds(source, scope), 'there are none', {
      status: 'warning',
      found: `"${facts.destination.user}" is no superuser on the destination${provider ? ` (${provider})` : ''}`,
      todo: provider
        ? 'See which of these the provider allows; do without the others.'
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
