// Splits pg_dump's plain output into its archive entries. `--verbose` writes a comment before each that describes it.
// Only what the lexer recognises as a comment counts, since function bodies and strings may contain the same text.
import { collectEach } from '../system/collect-garbage.ts'
import { withoutInternalOptions } from './column-options.ts'
import { Lexer, splitStatements } from './lexer.ts'
import { withPlainNames } from './plain-names.ts'

export interface Entry {
  /** pg_dump's number of the entry; dependencies refer to it. */
  id: number
  /** The catalog (pg_class, pg_proc, ...) and the object's OID in the source; 0 for entries without an object. */
  classOid: number
  oid: number
  dependencies: readonly number[]
  /** TABLE, INDEX, FK CONSTRAINT, ACL, ... */
  kind: string
  schema: string | undefined
  name: string
  owner: string | undefined
  /** In order, without `;`. The statement that sets the owner is separate, because it may fail alone. */
  statements: string[]
  ownerStatement: string | undefined
  /** The values of `default_tablespace` and `default_table_access_method` for the statements. */
  tablespace: string
  accessMethod: string
}

/** Entries. Reading them creates much more garbage than they take themselves. */
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
  // Settings before the first entry may apply to it.
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
    // Settings after an entry apply to the next one.
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

/** Stores each name once: many entries share a few names. */
class Names {
  readonly #known = new Map<string, string>()

  of(name: string): string {
    const known = this.#known.get(name)
    if (known === undefined) this.#known.set(name, name)
    return known ?? name
  }
}

/** A generator, because a script may have a hundred thousand headers and may be as long as memory allows. */
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
 * `t; Type: TABLE; Schema: public; Owner: me[; Tablespace: x]`. A name may contain `; Type: ` itself: the last
 * occurrence counts.
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

/** Some names are plain, others contain SQL: a comment has `TABLE "t"`, a function `f("text")`. */
function plainName(kind: string, name: string): string {
  if (!name.includes('"')) return name
  if (written.has(kind)) return withPlainNames(name)
  const isRoutine = kind === 'FUNCTION' || kind === 'PROCEDURE' || kind === 'AGGREGATE'
  // The name itself is not quoted, and may contain quotes and parentheses.
  const [, routine = '', types = ''] = (isRoutine && /^(.*)(\((?:[^()"]|"[^()"]*")*\))$/s.exec(name)) || []
  return types === '' ? name : routine + withPlainNames(types)
}

const written: ReadonlySet<string> = new Set(['COMMENT', 'ACL', 'SECURITY LABEL', 'CAST', 'TRANSFORM'])

/** The default comment of every database: pg_dump leaves it out only where it does not quote the name. */
function isOwnComment({ kind, statements: [statement = ''] }: Entry): boolean {
  return kind === 'COMMENT' && /^COMMENT ON SCHEMA "?public"? IS 'standard public schema'$/.test(statement)
}

/** Settings of pg_dump for its whole script, repeated after each \connect; pgtrek's sessions have them already. */
function isSessionSetting(statement: string): boolean {
  return /^(SET [a-z_]+ = |SELECT pg_catalog\.set_config\('search_path', '', false\)$)/.test(statement)
}

/** The role of a final `OWNER TO`. pg_dump quotes every name that has more than lower-case letters and digits. */
function ownerOf(statement: string): string | undefined {
  if (!/^ALTER [A-Z]/.test(statement)) return undefined
  const role = /\sOWNER TO ("(?:[^"]|"")*"|[a-z_][a-z0-9_]*)$/.exec(statement)?.[1]
  return role?.startsWith('"') ? role.slice(1, -1).replaceAll('""', '"') : role
}
