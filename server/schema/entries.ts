// pg_dump's plain output cut into its archive entries. `--verbose` writes a comment before each that says
// what it is; only comments that the lexer sees as such count, since bodies and strings may look alike.
import { collectEach } from '../system/collect-garbage.ts'
import { withoutInternalOptions } from './column-options.ts'
import { Lexer, splitStatements } from './lexer.ts'
import { withPlainNames } from './plain-names.ts'

export interface Entry {
  /** pg_dump's own number for it; dependencies speak in these. */
  id: number
  /** The catalog (pg_class, pg_proc, ...) and the object's OID in the source; 0 for what has none. */
  classOid: number
  oid: number
  dependencies: readonly number[]
  /** TABLE, INDEX, FK CONSTRAINT, ACL, ... */
  kind: string
  schema: string | undefined
  name: string
  owner: string | undefined
  /** In order, without `;`. The statement that sets the owner is apart, because it may fail alone. */
  statements: string[]
  ownerStatement: string | undefined
  /** What `default_tablespace` and `default_table_access_method` must be when the statements run. */
  tablespace: string
  accessMethod: string
}

/** Entries. Reading them leaves much more behind than they are. */
const collectAfter = 15_000
const none: readonly number[] = []

interface Header {
  start: number
  textStart: number
  /** Where the next entry begins. */
  end: number
  id: number
  classOid: number
  oid: number
  dependencies: readonly number[]
  label: string
}

export function parseEntries(dump: string): Entry[] {
  const entries: Entry[] = []
  const same = new Names()
  let tablespace = ''
  let accessMethod = ''
  // What pg_dump sets before the first entry may concern it.
  const settings = (statements: string[]) => {
    const own: string[] = []
    for (const statement of statements) {
      const setting = /^SET (default_tablespace|default_table_access_method) = (.*)$/s.exec(statement)
      if (setting?.[1] === 'default_tablespace') tablespace = setting[2] as string
      else if (setting) accessMethod = setting[2] as string
      else if (!isSessionSetting(statement)) {
        const settable = withoutInternalOptions(statement)
        if (settable !== undefined) own.push(settable)
      }
    }
    return own
  }
  for (const header of findHeaders(dump)) {
    if (entries.length === 0) settings(splitStatements(dump.slice(0, header.start)))
    collectEach(collectAfter, entries.length + 1)
    const label = parseLabel(header.label, same)
    const entry: Entry = {
      id: header.id,
      classOid: header.classOid,
      oid: header.oid,
      dependencies: header.dependencies,
      ...label,
      statements: [],
      ownerStatement: undefined,
      tablespace,
      accessMethod,
    }
    // Settings written behind an entry are for the next one.
    entry.statements = settings(splitStatements(dump.slice(header.textStart, header.end)))
    const owner = ownerOf(entry.statements.at(-1) ?? '')
    if (owner !== undefined) {
      entry.ownerStatement = entry.statements.pop()
      // The header shows line breaks as spaces, and `-` for none.
      entry.owner = same.of(owner)
    }
    if (!isOwnComment(entry)) entries.push(entry)
  }
  return entries
}

/** The few names that many entries share are kept once. */
class Names {
  readonly #known = new Map<string, string>()

  of(name: string): string {
    const known = this.#known.get(name)
    if (known === undefined) this.#known.set(name, name)
    return known ?? name
  }
}

/** Each when the next one is found: there may be a hundred thousand, and a script as long as memory allows. */
function* findHeaders(dump: string): Generator<Header> {
  let last: Header | undefined
  let current: Header | undefined
  const token = new Lexer(dump)
  while (token.next()) {
    if (token.kind !== 'comment') {
      current = undefined
      continue
    }
    const isStart = dump.startsWith('-- TOC entry ', token.start)
    if (!isStart && !current) continue
    const text = dump.slice(token.start, token.end)
    const start = isStart && /^-- TOC entry (\d+) \(class (\d+) OID (\d+)\)$/.exec(text)
    if (start) {
      if (last) yield { ...last, end: token.start }
      current = {
        start: token.start,
        end: dump.length,
        textStart: token.end,
        id: Number(start[1]),
        classOid: Number(start[2]),
        oid: Number(start[3]),
        dependencies: none,
        label: '',
      }
      last = current
    } else if (current && text.startsWith('-- Dependencies: ')) {
      current.dependencies = text.slice('-- Dependencies: '.length).trim().split(' ').map(Number)
    } else if (current && !current.label && text.startsWith('-- Name: ')) {
      current.label = text.slice('-- Name: '.length)
      current.textStart = token.end
      current = undefined
    }
  }
  if (last) yield last
}

/**
 * `t; Type: TABLE; Schema: public; Owner: me[; Tablespace: x]`. A name may contain `; Type: ` itself: the
 * last one counts.
 */
function parseLabel(label: string, same: Names): Pick<Entry, 'name' | 'kind' | 'schema' | 'owner'> {
  const found = /^(.*); Type: ([A-Z ]+); Schema: (.*?); Owner: (.*?)(?:; Tablespace: .*)?$/s.exec(label)
  if (!found) return { name: label, kind: 'UNKNOWN', schema: undefined, owner: undefined }
  const [, name = '', kind = '', schema = '-', owner = ''] = found
  return {
    name: plainName(kind, name),
    kind: same.of(kind),
    schema: schema === '-' ? undefined : same.of(schema),
    owner: owner === '-' || owner === '' ? undefined : same.of(owner),
  }
}

/** Some are names as they are, others hold SQL: `TABLE "t"` has a comment, `f("text")` a type. */
function plainName(kind: string, name: string): string {
  if (!name.includes('"')) return name
  if (written.has(kind)) return withPlainNames(name)
  const isRoutine = kind === 'FUNCTION' || kind === 'PROCEDURE' || kind === 'AGGREGATE'
  // The name itself is not quoted, and may hold quotes and parentheses of its own.
  const [, routine = '', types = ''] = (isRoutine && /^(.*)(\((?:[^()"]|"[^()"]*")*\))$/s.exec(name)) || []
  return types === '' ? name : routine + withPlainNames(types)
}

const written: ReadonlySet<string> = new Set(['COMMENT', 'ACL', 'SECURITY LABEL', 'CAST', 'TRANSFORM'])

/** The comment that every database has: pg_dump leaves it out only where it does not quote the name. */
function isOwnComment({ kind, statements: [statement = ''] }: Entry): boolean {
  return kind === 'COMMENT' && /^COMMENT ON SCHEMA "?public"? IS 'standard public schema'$/.test(statement)
}

/** What pg_dump sets for its whole script, again behind each \connect; our sessions are set up already. */
function isSessionSetting(statement: string): boolean {
  return /^(SET [a-z_]+ = |SELECT pg_catalog\.set_config\('search_path', '', false\)$)/.test(statement)
}

/** The role of a final `OWNER TO`. pg_dump quotes every name that is more than small letters and digits. */
function ownerOf(statement: string): string | undefined {
  if (!/^ALTER [A-Z]/.test(statement)) return undefined
  const role = /\sOWNER TO ("(?:[^"]|"")*"|[a-z_][a-z0-9_]*)$/.exec(statement)?.[1]
  return role?.startsWith('"') ? role.slice(1, -1).replaceAll('""', '"') : role
}
