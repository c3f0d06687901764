// What our roles may do on each side, and the roles and tablespaces that the destination must have.
import { readUsedRoles } from '../catalog/destination.ts'
import { listSequences } from '../catalog/sequences.ts'
import { mayChangeDatabase, unusableRoles } from '../engine/gaps.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import { providerOf } from '../roles/recognise.ts'
import { type Check, type Finding, fine, isUsers, namesOf, qualifiedName, unless } from './check.ts'
import { superuserNeeds } from './superuser-needs.ts'

const roles: Check = {
  id: 'roles',
  title: 'Roles',
  why: 'Objects whose owner is missing will belong to the role that connects, and grants to missing roles are left out.',
  async look({ source, facts, lacks, options }): Promise<Finding> {
    if (!options.owner && !options.acl) return fine('owners and grants are not carried')
    const usedRoles = await readUsedRoles(source)
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
        status: 'warn',
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

const tablespaces: Check = {
  id: 'tablespaces',
  title: 'Tablespaces',
  why: 'What is in a tablespace that the destination lacks goes to its default one.',
  async look({ source, lacks, options }): Promise<Finding> {
    if (!options.tablespaces) return fine('tablespaces are not carried')
    const used = await namesOf(
      source,
      `select distinct t.spcname as name
         from pg_catalog.pg_class c
         join pg_catalog.pg_tablespace t on t.oid = c.reltablespace
        where c.oid >= 16384 and t.spcname <> 'pg_global'
        order by 1`,
    )
    const missing = used.filter((name) => !lacks.tablespaces.has(name))
    return unless(missing, used.length === 0 ? 'only the default one is used' : 'all exist there', {
      status: 'warn',
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
  async look({ source, facts }): Promise<Finding> {
    const tables = await namesOf(
      source,
      `select ${qualifiedName} as name
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p')
          and c.relpersistence <> 't'
          and ${isUsers}
          and not (pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select'))
        order by 1`,
    )
    const sequences = (await listSequences(source)).filter(({ mayRead }) => !mayRead)
    const objects = [
      ...tables.map((name) => `table ${name}`),
      ...sequences.map(({ schema, name }) => `sequence ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`),
    ]
    const user = quoteIdentifier(facts.source.user)
    return unless(objects, `"${facts.source.user}" may read everything`, {
      status: 'fail',
      found: `"${facts.source.user}" may not read everything`,
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

const rowSecurity: Check = {
  id: 'row-security',
  title: 'Row security',
  why: 'A policy would hide rows from the copy, so a table whose policies apply to us is refused.',
  async look({ source, facts }): Promise<Finding> {
    const tables = await namesOf(
      source,
      `select ${qualifiedName} as name
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relrowsecurity
          and c.relkind = 'r'
          and pg_catalog.row_security_active(c.oid)
        order by 1`,
    )
    return unless(tables, 'no policy applies to us', {
      status: 'fail',
      found: `policies apply to "${facts.source.user}"`,
      todo: 'Connect as a superuser, as the owner, or as a role with BYPASSRLS.',
      sql: [`alter role ${quoteIdentifier(facts.source.user)} bypassrls`],
    })
  },
}

const writing: Check = {
  id: 'destination-rights',
  title: 'Rights on the destination',
  why: 'Without the right to create, nothing arrives.',
  async look({ source, destination, facts }): Promise<Finding> {
    const { user, database } = facts.destination
    const { may } = await destination.one<{ may: boolean }>(
      "select pg_catalog.has_database_privilege(current_database(), 'create') as may",
    )
    const schemas = await namesOf(
      source,
      `select n.nspname as name from pg_catalog.pg_namespace n where ${isUsers}`,
    )
    const closed = await namesOf(
      destination,
      `select n.nspname as name
         from pg_catalog.pg_namespace n
        where n.nspname in (${schemas.map(quoteLiteral).join(', ') || 'null'})
          and not pg_catalog.has_schema_privilege(n.oid, 'create')`,
    )
    const objects = [...(may ? [] : [`database ${database}`]), ...closed.map((name) => `schema ${name}`)]
    return unless(objects, `"${user}" may create objects`, {
      status: 'fail',
      found: `"${user}" may not create objects everywhere`,
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

const ownership: Check = {
  id: 'database-owner',
  title: 'Settings of the database itself',
  why: 'Settings, comment and grants of a database can be changed by its owner only.',
  look({ facts: { destination } }) {
    return mayChangeDatabase({ destination })
      ? fine(`"${destination.user}" may change the destination database`)
      : {
          status: 'warn',
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
  async look({ source, facts, lacks }): Promise<Finding> {
    const provider = providerOf(lacks.roles.keys())
    if (facts.destination.superuser)
      return fine(`"${facts.destination.user}" is a superuser on the destination`)
    return unless(await superuserNeeds(source), 'there are none', {
      // Providers let their users do some of it.
      status: provider ? 'warn' : 'fail',
      found: `"${facts.destination.user}" is no superuser on the destination${provider ? ` (${provider})` : ''}`,
      todo: provider
        ? 'See which of these the provider allows; do without the others.'
        : 'Connect there as a superuser, or do without these objects.',
    })
  },
}

export const rightsChecks = [roles, tablespaces, reading, rowSecurity, writing, ownership, superuser]
