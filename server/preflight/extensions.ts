// Extensions: whether the destination has them in the same version or a newer one, and which of their rows are copied.
import { say } from '../../shared/say.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { extensionSchema, qualifiedName } from './catalog-sql.ts'
import { type Check, type Finding, findingFor, namesFound, passed, type Remark } from './check.ts'
import { type Fix, superuser } from './fix.ts'

interface SourceExtension {
  name: string
  version: string
  /** Null for an extension that creates its own schema. */
  schema: string | null
}

interface Available {
  name: string
  version: string
  installed: string | null
  /** A role with CREATE on the database may create it. */
  trusted: boolean
}

const wantedSql = `
  select x.extname as name, x.extversion as version, ${extensionSchema} as schema
    from pg_catalog.pg_extension x
   order by 1`

const available: Check = {
  id: 'extensions',
  planned: true,
  title: 'Extensions',
  why: say`An extension that the destination cannot install is missing there, with all objects that use it.`,
  fixable: true,
  async look({ source, destination, facts, options, scope, managed }): Promise<Finding> {
    if (!scope.hasOther()) return passed(say`extensions are migrated only if a selected object needs them`)
    const wanted = (await source.query<SourceExtension>(wantedSql)).filter(
      ({ name }) => !options.skipExtensions.includes(name),
    )
    // Before 13 there are no trusted extensions: a role with the right to create objects can create any that needs no
    // superuser.
    const trusted = destination.major >= 13 ? 'v.trusted or not v.superuser' : 'not v.superuser'
    const there = await destination.query<Available>(`
      select a.name, a.default_version as version, a.installed_version as installed,
             coalesce((select bool_or(${trusted}) from pg_catalog.pg_available_extension_versions v
                        where v.name = a.name and v.version = a.default_version), false) as trusted
        from pg_catalog.pg_available_extensions a`)
    const schemas = new Set(
      (await destination.query<{ name: string }>('select nspname as name from pg_catalog.pg_namespace')).map(
        ({ name }) => name,
      ),
    )
    const byName = new Map(there.map((one) => [one.name, one]))
    const missing = wanted.filter(({ name }) => !byName.has(name))
    const old = wanted.filter(({ name, version }) => {
      const other = byName.get(name)
      return other && isOlder(other.installed ?? other.version, version)
    })
    const refused = facts.destination.superuser
      ? []
      : wanted.filter(({ name }) => byName.get(name)?.installed === null && !byName.get(name)?.trusted)
    const objects = [
      ...missing.map(({ name, version }) => say`${name} ${version}: not available on the destination`),
      ...old.map(({ name, version }) => {
        const other = byName.get(name)
        return say`${name} ${version}: the destination has ${other?.installed ?? other?.version}`
      }),
      ...refused.map(
        ({ name }) => say`${name}: only a superuser may create it, unless the provider allows it`,
      ),
    ]
    return findingFor(
      objects,
      wanted.map(({ name, version }) => `${name} ${version}`).join(', ') || say`none`,
      {
        status: 'warning',
        found: say`some are not available, are older, or need a superuser`,
        todo: say`Install the missing ones on the destination's host, have a superuser create those that need one, or exclude them with --skip-extension.`,
        sql: creations(refused, {
          by: managed.destination
            ? `a member of ${managed.destination.admin ?? "the administrator's role"}`
            : superuser,
          user: facts.destination.user,
          schemas,
        }),
      },
    )
  },
}

/**
 * Creates each extension in its schema of the source: the migration does not create an extension that exists already.
 */
function creations(
  refused: readonly SourceExtension[],
  { by, user, schemas }: { by: string; user: string; schemas: ReadonlySet<string> },
): Fix[] {
  const missing = new Set(
    refused.flatMap(({ schema }) => (schema === null || schemas.has(schema) ? [] : [schema])),
  )
  return [
    ...[...missing].map(
      (schema) => `create schema ${quoteIdentifier(schema)} authorization ${quoteIdentifier(user)}`,
    ),
    // An extension may need another that is created later, or one that is not listed here.
    ...refused.map(
      ({ name, schema }) =>
        `create extension if not exists ${quoteIdentifier(name)}${schema === null ? '' : ` with schema ${quoteIdentifier(schema)}`} cascade`,
    ),
  ].map((sql) => ({ end: 'destination', by, sql }))
}

/** `1.10` is newer than `1.9`. Versions that are not numbers cannot be compared. */
export function isOlder(one: string, other: string): boolean {
  const [left, right] = [one, other].map((version) => version.split(/[.\-+]/).map(Number)) as [
    number[],
    number[],
  ]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [a = 0, b = 0] = [left[at], right[at]]
    if (Number.isNaN(a) || Number.isNaN(b)) return false
    if (a !== b) return a < b
  }
  return false
}

/** Extensions whose rows a dump alone does not restore. */
const special: Record<string, string> = {
  timescaledb: say`run timescaledb_pre_restore() on the destination before, and timescaledb_post_restore() after`,
  citus: say`distributed tables must be distributed again; only the coordinator's rows are copied`,
  pg_cron: say`its jobs belong to the database named in cron.database_name`,
  pglogical: say`its nodes and subscriptions must be created again`,
}

const data: Check = {
  id: 'extension-data',
  title: 'Rows that belong to extensions',
  why: say`Of the tables of an extension, only those that it marks as configuration tables are copied.`,
  async look(context): Promise<Remark> {
    const tables = await namesFound(
      context,
      `select c.oid as of, ${qualifiedName} || ' of ' || x.extname as name
         from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join pg_catalog.pg_depend e on e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e'
         join pg_catalog.pg_extension x on x.oid = e.refobjid
        where c.relkind = 'r'
          and e.objsubid = 0
          and not c.oid = any (coalesce(x.extconfig, '{}'))
          and pg_catalog.pg_relation_size(c.oid) > 0
        order by 2`,
    )
    const installed = await context.source.query<SourceExtension>(wantedSql)
    const noted = installed.flatMap(({ name }) => (special[name] ? [`${name}: ${special[name]}`] : []))
    return findingFor([...noted, ...tables], say`none that would be missing`, {
      status: 'warning',
      found: say`some of their rows are not copied automatically`,
      todo: say`Check whether you need these rows, and copy them yourself if you do.`,
    })
  },
}

export const extensionChecks: readonly Check[] = [available, data]
