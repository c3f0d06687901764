// The statements that make one object of the destination like that of the source. What cannot be done safely by one of
// a few known statements is left to the user.
import type { Destroyed, SchemaChange } from '../../shared/comparison-api.ts'
import { quoteIdentifier, quoteQualified } from '../postgres/quote.ts'
import type { Entry } from '../schema/entries.ts'
import { tokens } from '../schema/lexer.ts'
import { alterTable, plain } from './sync-table.ts'

export interface Sync {
  sql: string[]
  destroys: Destroyed[]
  byHand?: SchemaChange['by_hand']
}

export interface SyncPair {
  source: Entry | undefined
  destination: Entry | undefined
  /** As they were compared, without differences between majors. */
  texts: { source: string; destination: string }
  /** It is a partition on the destination: its columns are those of its parent. */
  isPartition: boolean
}

const byHand = (reason: SchemaChange['by_hand'] = 'unsupported'): Sync => ({
  sql: [],
  destroys: [],
  byHand: reason,
})

/** Copied from one server to another they would connect elsewhere, or contain passwords. */
const never: ReadonlySet<string> = new Set(['SUBSCRIPTION', 'USER MAPPING', 'SERVER', 'DATABASE PROPERTIES'])
/** Their statement also replaces what is there. */
const replacing: ReadonlySet<string> = new Set([
  'DEFAULT',
  'COMMENT',
  'SECURITY LABEL',
  'SEQUENCE OWNED BY',
  'ROW SECURITY',
])
const orReplace: ReadonlySet<string> = new Set(['FUNCTION', 'PROCEDURE', 'AGGREGATE', 'VIEW', 'RULE'])
/** Dropping and creating them again loses no rows. */
const recreated: ReadonlySet<string> = new Set([
  'INDEX',
  'CONSTRAINT',
  'FK CONSTRAINT',
  'CHECK CONSTRAINT',
  'TRIGGER',
  'POLICY',
  'STATISTICS',
  'EVENT TRIGGER',
])

export function syncSql(pair: SyncPair): Sync {
  const { source, destination } = pair
  const { kind, name } = (source ?? destination) as Entry
  // A whole database has no counterpart of the same name.
  if (never.has(kind) || name.startsWith('DATABASE ')) return byHand()
  if (!destination) {
    const sql = create(source as Entry)
    return { sql, destroys: kind === 'ACL' || kind === 'DEFAULT ACL' ? revoked(sql, []) : [] }
  }
  if (!source) return drop(destination)
  const sameStatements = source.statements.join(';\n') === destination.statements.join(';\n')
  const isStoredAlike =
    source.tablespace === destination.tablespace && source.accessMethod === destination.accessMethod
  if (sameStatements && isStoredAlike) {
    return source.ownerStatement ? { sql: [source.ownerStatement], destroys: [] } : byHand()
  }
  if (kind === 'TABLE') {
    if (pair.isPartition) return byHand('partition')
    return alterTable(pair.texts.source, pair.texts.destination) ?? byHand('table')
  }
  if (kind === 'ACL' || kind === 'DEFAULT ACL') return grants(source, destination)
  if (kind === 'TYPE') return addLabels(source, destination)
  if (kind === 'SEQUENCE') return alterSequence(source)
  if (replacing.has(kind)) return { sql: create(source), destroys: [] }
  if (orReplace.has(kind)) return { sql: replace(source), destroys: [] }
  if (recreated.has(kind)) {
    const { sql, destroys, byHand: reason } = drop(destination)
    return reason ? byHand(reason) : { sql: [...sql, ...create(source)], destroys }
  }
  return byHand()
}

function create({ kind, statements, ownerStatement, tablespace }: Entry): string[] {
  const isStored = ['TABLE', 'MATERIALIZED VIEW', 'INDEX', 'CONSTRAINT'].includes(kind)
  const place =
    isStored && tablespace !== '' && tablespace !== "''"
      ? [`SET LOCAL default_tablespace = ${tablespace}`]
      : []
  const refresh =
    kind === 'MATERIALIZED VIEW' ? [`REFRESH MATERIALIZED VIEW ${subject(statements[0], 3)}`] : []
  return [...place, ...statements, ...(ownerStatement ? [ownerStatement] : []), ...refresh]
}

function replace(entry: Entry): string[] {
  const [first = '', ...rest] = create(entry)
  return [first.replace(/^CREATE (?!OR REPLACE )/, 'CREATE OR REPLACE '), ...rest]
}

/** `CREATE SEQUENCE s.q START WITH ...`: the value itself belongs to the data. */
function alterSequence(source: Entry): Sync {
  const [first = '', ...rest] = create(source)
  if (!first.startsWith('CREATE SEQUENCE ')) return byHand()
  return { sql: [first.replace('CREATE SEQUENCE', 'ALTER SEQUENCE'), ...rest], destroys: [] }
}

/** New labels of an enum; a label cannot be dropped. */
function addLabels(source: Entry, destination: Entry): Sync {
  const [ours, theirs] = [labelsOf(source), labelsOf(destination)]
  const known = new Set(theirs)
  if (!ours || !theirs?.every((label) => ours.includes(label))) return byHand()
  if (ours.filter((label) => known.has(label)).join() !== theirs.join()) return byHand()
  const name = subject(source.statements[0], 2)
  const sql = ours.flatMap((label, at) => {
    if (known.has(label)) return []
    const place = at > 0 ? ` AFTER ${ours[at - 1]}` : theirs[0] ? ` BEFORE ${theirs[0]}` : ''
    return [`ALTER TYPE ${name} ADD VALUE ${label}${place}`]
  })
  return sql.length > 0 ? { sql, destroys: [] } : byHand()
}

function labelsOf({ statements: [statement = ''] }: Entry): string[] | undefined {
  if (!/^CREATE TYPE [^(]* AS ENUM \(/.test(statement)) return undefined
  return [...tokens(statement)]
    .filter(({ kind }) => kind === 'string')
    .map(({ start, end }) => statement.slice(start, end))
}

/** Grants that only the destination has are revoked, and those of the source granted. */
function grants(source: Entry | undefined, destination: Entry): Sync {
  const [ours, theirs] = [source?.statements ?? [], destination.statements]
  const isSimple = (one: string) => /^(?:ALTER DEFAULT PRIVILEGES .*?)?(?:GRANT|REVOKE) /s.test(one)
  if (![...ours, ...theirs].every(isSimple)) return byHand()
  const here = new Set(ours)
  const undone = theirs.filter((one) => !here.has(one)).map(opposite)
  if (undone.includes(undefined)) return byHand()
  const sql = [...undone.filter((one) => one !== undefined), ...ours]
  return { sql, destroys: revoked(sql, theirs) }
}

/** Statements that take a privilege away, without those that the destination already has. */
function revoked(sql: readonly string[], known: readonly string[]): Destroyed[] {
  return sql
    .filter((one) => /^(?:ALTER DEFAULT PRIVILEGES .*?)?REVOKE /s.test(one) && !known.includes(one))
    .map((one) => ({ what: 'privilege', kind: 'REVOKE', name: plain(one) }))
}

function opposite(statement: string): string | undefined {
  const words = [...tokens(statement)]
  const at = (word: string) =>
    words.findLast(({ kind, start, end }) => kind === 'word' && statement.slice(start, end) === word)
  const verb = words.find(({ start, end }) => ['GRANT', 'REVOKE'].includes(statement.slice(start, end)))
  if (!verb) return undefined
  const isGrant = statement.slice(verb.start, verb.end) === 'GRANT'
  const link = isGrant ? at('TO') : at('FROM')
  if (!link || statement.slice(verb.end).startsWith(' GRANT OPTION FOR')) return undefined
  const rest = statement.slice(link.end).replace(/ WITH GRANT OPTION$/, '')
  const middle = statement.slice(verb.end, link.start)
  return `${statement.slice(0, verb.start)}${isGrant ? 'REVOKE' : 'GRANT'}${middle}${isGrant ? 'FROM' : 'TO'}${rest}`
}

const droppedByName: Record<string, string> = {
  TABLE: 'TABLE',
  'FOREIGN TABLE': 'FOREIGN TABLE',
  VIEW: 'VIEW',
  'MATERIALIZED VIEW': 'MATERIALIZED VIEW',
  INDEX: 'INDEX',
  TYPE: 'TYPE',
  DOMAIN: 'DOMAIN',
  COLLATION: 'COLLATION',
  STATISTICS: 'STATISTICS',
  SCHEMA: 'SCHEMA',
  EXTENSION: 'EXTENSION',
  PUBLICATION: 'PUBLICATION',
  'EVENT TRIGGER': 'EVENT TRIGGER',
}

/** Never with CASCADE: what depends on the object keeps it, and the server names it. */
function drop(entry: Entry): Sync {
  const { kind, schema, name } = entry
  const shown = schema === undefined ? name : `${schema}.${name}`
  const dropped = (sql: string, what: Destroyed['what'] = 'object'): Sync => ({
    sql: [sql],
    destroys: [{ what, kind, name: shown }],
  })
  const byName = droppedByName[kind]
  if (byName) {
    const written = schema === undefined ? quoteIdentifier(name) : quoteQualified(schema, name)
    return dropped(`DROP ${byName} ${written}`)
  }
  const [first = ''] = entry.statements
  const found = (pattern: RegExp) => pattern.exec(first)?.slice(1) ?? []
  switch (kind) {
    case 'SEQUENCE':
      return first.startsWith('CREATE SEQUENCE ') ? dropped(`DROP SEQUENCE ${subject(first, 2)}`) : byHand()
    case 'FUNCTION':
    case 'PROCEDURE':
    case 'AGGREGATE': {
      const [, routine, types] = /^(.*)(\((?:[^()"]|"[^()"]*")*\))$/s.exec(name) ?? []
      if (!routine || !types || schema === undefined) return byHand()
      return dropped(`DROP ${kind} ${quoteQualified(schema, routine)}${types}`)
    }
    case 'CONSTRAINT':
    case 'FK CONSTRAINT':
    case 'CHECK CONSTRAINT': {
      const [table, constraint] = found(addConstraint)
      return table ? dropped(`ALTER TABLE ${table} DROP CONSTRAINT ${constraint}`) : byHand()
    }
    case 'TRIGGER': {
      const [trigger, table] = found(createTrigger)
      return table ? dropped(`DROP TRIGGER ${trigger} ON ${table}`) : byHand()
    }
    case 'POLICY': {
      const [policy, table] = found(createPolicy)
      return table ? dropped(`DROP POLICY ${policy} ON ${table}`, 'protection') : byHand()
    }
    case 'ROW SECURITY': {
      const [table] = found(/^ALTER TABLE (?:ONLY )?(.*) ENABLE ROW LEVEL SECURITY$/s)
      return table ? dropped(`ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`, 'protection') : byHand()
    }
    case 'DEFAULT': {
      const [column] = found(setDefault)
      return column ? dropped(`${column} DROP DEFAULT`) : byHand()
    }
    case 'COMMENT': {
      const is = [...tokens(first)].findLast(({ start, end }) => first.slice(start, end) === 'IS')
      return is ? dropped(`${first.slice(0, is.end)} NULL`) : byHand()
    }
    case 'ACL':
    case 'DEFAULT ACL':
      return grants(undefined, entry)
    default:
      return byHand()
  }
}

const identifier = '"(?:[^"]|"")*"'
const qualified = `${identifier}(?:\\.${identifier})*`
const addConstraint = new RegExp(
  `^ALTER (?:FOREIGN )?TABLE (?:ONLY )?(${qualified})\\s+ADD CONSTRAINT (${identifier}) `,
)
const createTrigger = new RegExp(
  `^CREATE (?:CONSTRAINT )?TRIGGER (${identifier}) .*? ON (${qualified}) `,
  's',
)
const createPolicy = new RegExp(`^CREATE POLICY (${identifier}) ON (${qualified})`)
const setDefault = new RegExp(
  `^(ALTER (?:FOREIGN )?TABLE (?:ONLY )?${qualified} ALTER COLUMN ${identifier}) SET DEFAULT `,
)

/** The name after so many words, as written. */
function subject(statement = '', words: number): string {
  const pattern = new RegExp(`^(?:[A-Z]+ ){${words}}(${qualified})`)
  return pattern.exec(statement)?.[1] ?? ''
}
