// Functions whose bodies use names without a schema, which are found only through the search_path of the caller.
// During a restore that path is empty, and since 17 index builds and refreshes of materialized views run with
// pg_catalog alone. For SQL functions the server's own validator runs with that path. It does not check the bodies of
// other languages, so their text is searched for names.
import { say } from '../../shared/say.ts'
import { errorInfo, isLost, ServerError } from '../postgres/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { withPlainNames } from '../schema/plain-names.ts'
import { type NameKind, usedNames } from './body-names.ts'
import { extensionSchema, isUsers } from './catalog-sql.ts'
import { type Check, type CheckContext, type Finding, findingFor, passed } from './check.ts'
import { evaluatedFunctions } from './evaluated.ts'
import { type Fix, fixes } from './fix.ts'

export const unqualifiedNames: Check = {
  id: 'unqualified-names',
  title: 'Functions that depend on the search_path',
  why: say`A dump is restored with an empty search_path: a function whose body names another function, a table, a type or an operator without its schema fails there, and with it the index, the rows or the view that it computes.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const { source, scope } = context
    const uses = (await source.query<Evaluated>(evaluatedFunctions)).filter(({ of }) =>
      of === 0 ? scope.hasOther() : scope.has(of),
    )
    if (uses.length === 0)
      return passed(say`no user-defined function is evaluated while the destination is created`)
    const finder = new FailingFunctions(source, await readNames(source), await readPlaces(source))
    const found = new Map<number, Failing & { by: Set<string> }>()
    for (const { oid, what } of uses) {
      for (const failing of await finder.failingFrom(oid)) {
        const known = found.get(failing.oid)
        if (known) known.by.add(what)
        else found.set(failing.oid, { ...failing, by: new Set([what]) })
      }
    }
    const failing = await notFixedThere(context, [...found.values()])
    return findingFor(
      failing.map(({ signature, words, by }) => `${signature}: ${words} (${describeUses([...by])})`),
      say`they name everything with its schema, or set their search_path`,
      {
        status: 'warning',
        found: say`with an empty search_path these functions fail, and what they compute is missing on the destination`,
        todo: say`Name the schema of everything in their bodies, or set their search_path (a SQL function is then no longer inlined). Change a function of an extension on the destination, where the extension has to be created before the migration.`,
        sql: failing.flatMap((one) => fixesOf(one, context)),
      },
    )
  },
}

interface Evaluated {
  of: number
  what: string
  oid: number
}

interface Routine {
  oid: number
  schema: string
  signature: string
  language: string
  body: string
  /** The search_path of the function as in the catalog; null if it uses the caller's. */
  path: string | null
  /** The catalog stores the parsed body, in which names are already resolved. */
  isParsed: boolean
  /** The validator does not check bodies of functions with polymorphic arguments. */
  isPolymorphic: boolean
  owner: string
  extension: { name: string; schema: string | null } | null
}

interface Failing extends Routine {
  /** The failure, for the message. */
  words: string
  /** A search_path with which the function works. */
  remedy: string
}

type Named = { kind: NameKind; name: string; schema: string; oid: number; isHidden: boolean }

class FailingFunctions {
  readonly #routines = new Map<number, Promise<Routine | undefined>>()
  readonly #failures = new Map<string, Promise<Failing | undefined>>()
  readonly #byName: Map<string, Named[]>

  constructor(
    readonly session: Session,
    names: readonly Named[],
    readonly places: Places,
  ) {
    this.#byName = Map.groupBy(names, ({ kind, name }) => `${kind} ${name}`)
  }

  /** The function and all functions that it calls, each with the search_path that it would have. */
  async failingFrom(oid: number, path = '', seen = new Set<string>()): Promise<Failing[]> {
    const routine = await this.#routine(oid)
    if (!routine || routine.isParsed) return []
    const effective = routine.path ?? path
    const key = JSON.stringify([oid, effective])
    if (seen.has(key)) return []
    seen.add(key)
    const failing = routine.path === null ? await this.#failureOf(routine, effective) : undefined
    const called = this.#resolved(routine, effective).filter(({ kind }) => kind === 'function')
    const deeper: Failing[] = []
    for (const one of called) deeper.push(...(await this.failingFrom(one.oid, effective, seen)))
    return [...(failing ? [failing] : []), ...deeper]
  }

  /** Whether the server rejects it with an empty search_path. */
  async isRefused(oid: number): Promise<boolean> {
    const routine = await this.#routine(oid)
    if (!routine || routine.isParsed || routine.path !== null || routine.language !== 'sql') return false
    const refusal = await this.#validate(routine, '')
    return refusal !== undefined && !isForbidden(refusal)
  }

  #routine(oid: number): Promise<Routine | undefined> {
    const known = this.#routines.get(oid)
    if (known) return known
    const reading = this.session.query<Routine>(routineSql(oid, this.session.major)).then(([row]) => row)
    this.#routines.set(oid, reading)
    return reading
  }

  #failureOf(routine: Routine, path: string): Promise<Failing | undefined> {
    const key = JSON.stringify([routine.oid, path])
    const known = this.#failures.get(key)
    if (known) return known
    const looking = this.#findFailure(routine, path)
    this.#failures.set(key, looking)
    return looking
  }

  async #findFailure(routine: Routine, path: string): Promise<Failing | undefined> {
    const unfound = this.#unfound(routine, path)
    const schemas = [...new Set(unfound.map(({ schema }) => schema))]
    if (routine.language === 'sql' && !routine.isPolymorphic) {
      const refusal = await this.#validate(routine, path)
      if (refusal === undefined) return undefined
      if (!isForbidden(refusal)) {
        for (const remedy of this.#remedies(schemas, routine)) {
          if ((await this.#validate(routine, remedy)) === undefined)
            return { ...routine, words: errorInfo(refusal).message, remedy }
        }
        // No search_path makes it work, so names are not the cause.
        return undefined
      }
    }
    const [remedy] = this.#remedies(schemas, routine)
    if (unfound.length === 0 || remedy === undefined) return undefined
    const named = unfound.map(({ kind, schema, name }) => `${kind} ${name} of ${schema}`)
    return { ...routine, words: `it uses ${named.join(', ')} without the schema`, remedy }
  }

  /** Returns the server's error, if any. The settings apply to this statement alone. */
  async #validate({ oid }: Routine, path: string): Promise<unknown> {
    try {
      await this.session.query(
        `select pg_catalog.set_config('search_path', $1, true),
                pg_catalog.set_config('check_function_bodies', 'on', true),
                pg_catalog.fmgr_sql_validator(${oid})`,
        [path],
      )
      return undefined
    } catch (error) {
      if (isLost(error) || !(error instanceof ServerError)) throw error
      return error
    }
  }

  /** Search paths to try: with as few schemas as possible, as in an ordinary session, and with all schemas. */
  #remedies(schemas: readonly string[], { schema }: Routine): string[] {
    const { usual, all } = this.places
    const inOrder = [...usual.filter((one) => schemas.includes(one)), ...schemas]
    const lists = [inOrder, [...usual, schema], [...usual, schema, ...all]].filter((list) => list.length > 0)
    return [
      ...new Set(lists.map((list) => [...new Set(['pg_catalog', ...list])].map(quoteIfNeeded).join(', '))),
    ]
  }

  /** The user's objects that the names in the body refer to. */
  #resolved({ body }: Routine, path: string): Named[] {
    const searched = this.#searched(path)
    return usedNames(body).flatMap(({ kind, name, schema }) => {
      const all = this.#byName.get(`${kind} ${name}`) ?? []
      if (schema !== null) return all.filter((one) => one.schema === schema)
      const visible = all.filter((one) => searched.includes(one.schema))
      // Also objects that the name finds only after the search_path is fixed.
      return visible.length > 0 ? visible : all.filter(({ isHidden }) => !isHidden)
    })
  }

  /** Names without a schema that are neither in the path nor in pg_catalog. */
  #unfound({ body }: Routine, path: string): Named[] {
    const searched = this.#searched(path)
    return usedNames(body).flatMap(({ kind, name, schema }) => {
      const all = schema === null ? (this.#byName.get(`${kind} ${name}`) ?? []) : []
      if (all.length === 0 || all.some((one) => one.isHidden || searched.includes(one.schema))) return []
      const first = this.places.usual.find((place) => all.some((one) => one.schema === place))
      return all.filter((one) => one.schema === (first ?? all[0]?.schema)).slice(0, 1)
    })
  }

  #searched(path: string): string[] {
    return path.split(',').map((part) => {
      const name = part.trim()
      const plain = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()
      return plain === '$user' ? this.places.user : plain
    })
  }
}

interface Places {
  user: string
  /** Schemas of the default search_path of a session. */
  usual: string[]
  all: string[]
}

/** `isHidden`: pg_catalog has the same name, which is found first. */
const readNames = (session: Session): Promise<Named[]> =>
  session.query<Named>(
    (
      [
        ['function', 'pg_proc', 'proname', 'pronamespace', 'true'],
        ['relation', 'pg_class', 'relname', 'relnamespace', "x.relkind in ('r', 'p', 'v', 'm', 'f', 'S')"],
        ['type', 'pg_type', 'typname', 'typnamespace', 'x.typelem = 0'],
        ['operator', 'pg_operator', 'oprname', 'oprnamespace', 'true'],
      ] as const
    )
      .map(
        ([kind, catalog, name, namespace, condition]) => `
          select '${kind}' as kind, x.${name} as name, n.nspname as schema, x.oid,
                 exists (select from pg_catalog.${catalog} s
                          where s.${name} = x.${name} and s.${namespace} = 'pg_catalog'::regnamespace) as "isHidden"
            from pg_catalog.${catalog} x
            join pg_catalog.pg_namespace n on n.oid = x.${namespace}
           where ${isUsers} and ${condition}`,
      )
      .join(' union all '),
  )

function readPlaces(session: Session): Promise<Places> {
  return session.one<Places>(`
    select current_user as "user",
           (select coalesce(json_agg(n.nspname order by p.place), '[]')
              from pg_catalog.pg_settings s
              cross join lateral pg_catalog.regexp_split_to_table(s.reset_val, '\\s*,\\s*') with ordinality p (part, place)
              join pg_catalog.pg_namespace n
                on n.nspname = case p.part when '"$user"' then current_user else pg_catalog.btrim(p.part, '"') end
             where s.name = 'search_path') as usual,
           (select coalesce(json_agg(n.nspname order by n.nspname), '[]')
              from pg_catalog.pg_namespace n where ${isUsers}) as "all"`)
}

function routineSql(oid: number, major: number): string {
  return `
    select p.oid, n.nspname as schema, p.oid::regprocedure::text as signature, l.lanname as language,
           p.prosrc as body,
           (select pg_catalog.substr(c.setting, 13) from unnest(p.proconfig) c (setting)
             where c.setting like 'search\\_path=%') as path,
           ${major >= 14 ? 'p.prosqlbody is not null' : 'false'} as "isParsed",
           exists (select from pg_catalog.pg_type t
                    where t.oid = any (p.proargtypes::oid[] || p.prorettype) and t.typtype = 'p'
                      and t.typname ~ '^any') as "isPolymorphic",
           pg_catalog.pg_get_userbyid(p.proowner) as owner,
           (select json_build_object('name', x.extname, 'schema', ${extensionSchema})
              from pg_catalog.pg_depend d
              join pg_catalog.pg_extension x on x.oid = d.refobjid
             where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e') as extension
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      join pg_catalog.pg_language l on l.oid = p.prolang
     where p.oid = ${oid} and l.lanname in ('sql', 'plpgsql') and p.prokind <> 'a'`
}

/** The destination creates functions of extensions itself: they may differ there, or be fixed already. */
async function notFixedThere<One extends Failing>(
  { destination }: CheckContext,
  failing: One[],
): Promise<One[]> {
  const finder = new FailingFunctions(destination, [], await readPlaces(destination))
  const isFailing = await Promise.all(
    failing.map(async ({ extension, signature }) => {
      if (!extension) return true
      const { oid, installed } = await destination.one<{ oid: number | null; installed: boolean }>(
        `select pg_catalog.to_regprocedure($1)::oid as oid,
                exists (select from pg_catalog.pg_extension where extname = $2) as installed`,
        [signature, extension.name],
      )
      if (!installed) return true
      return oid !== null && (await finder.isRefused(oid))
    }),
  )
  return failing.filter((_, at) => isFailing[at])
}

const mostUses = 3

function describeUses(uses: readonly string[]): string {
  const more = uses.length > mostUses ? ` and ${uses.length - mostUses} more` : ''
  return `used by ${uses.slice(0, mostUses).join(', ')}${more}`
}

function fixesOf({ signature, owner, remedy, extension }: Failing, { managed }: CheckContext): Fix[] {
  const sql = `alter function ${signature} set search_path = ${remedy}`
  if (!extension) return fixes('source', `"${owner}" or a superuser`, sql)
  const { name, schema } = extension
  const place = schema === null ? '' : ` with schema ${quoteIdentifier(schema)}`
  const by = managed.destination?.admin ? `a member of ${managed.destination.admin}` : 'a superuser'
  return fixes(
    'destination',
    by,
    `create extension if not exists ${quoteIdentifier(name)}${place} cascade`,
    sql,
  )
}

/** EXECUTE or USAGE is missing, and the validator has not checked the body. */
function isForbidden(error: unknown): boolean {
  return error instanceof ServerError && error.sqlstate === '42501'
}

const quoteIfNeeded = (name: string) => withPlainNames(quoteIdentifier(name))
