// The right to read the tables and sequences of the source.
import { say } from '../../shared/say.ts'
import { listSequences } from '../catalog/sequences.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { dumpsUnreadableSequencesSince } from '../schema/dump.ts'
import { isUsers, qualifiedName } from './catalog-sql.ts'
import { type Check, type CheckContext, type Finding, findingFor, foundIn, namesFound } from './check.ts'
import { type Fix, fixes, superuser } from './fix.ts'

export const sourceRights: Check = {
  id: 'source-rights',
  title: 'Rights on the source',
  why: say`Tables and sequences that the role may not read are not copied.`,
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
    // Older majors: the dump fails at a sequence that it may not read.
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
    return findingFor(objects, say`"${facts.source.user}" may read everything`, {
      status: stopsAll ? 'blocker' : 'warning',
      found: say`"${facts.source.user}" may not read everything${isUndumped ? say`, and PostgreSQL ${source.major} cannot be dumped while a sequence may not be read` : ''}`,
      todo: say`Grant the right to read, or connect as an owner or a superuser.`,
      sql:
        objects.length === 0
          ? []
          : source.major >= 14 && !managed.source
            ? fixes('source', superuser, `grant pg_read_all_data to ${user}`)
            : await readingGrants(context, user),
    })
  },
}

/** Each owner can grant the right. A schema whose relations all have the same owner needs one statement. */
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
