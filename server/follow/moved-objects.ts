// Whether the destination has every migrated object as the source has it now. DDL is not in the stream, so the catalogs of
// both sides are compared: while following, and twice in a switchover.

import type { ObjectDifference } from '../../shared/comparison.ts'
import { everything } from '../../shared/defaults.ts'
import { say } from '../../shared/say.ts'
import { showName, type TableName, tableKey } from '../../shared/table-name.ts'
import { compareSchema } from '../compare/schema.ts'
import { PgtrekError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { describeSettings } from '../postgres/settings.ts'
import type { Publications } from '../replication/stream/publication.ts'
import { isEmpty, type SchemaChanges, schemaChangesFor } from '../replication/tables/schema-changes.ts'
import { findUnfollowed } from '../replication/tables/unfollowed.ts'
import { DumpFailed } from '../schema/dump.ts'
import type { FollowRecord } from '../store/follow-memory.ts'
import type { Link } from './link.ts'
import { leftOutTables, wantedTables } from './relations.ts'
import { findUnsentRows, type Learned } from './unsent-rows.ts'

export interface ObjectsCheck {
  /** Fingerprints of both catalogs: while they are the same, the objects need not be compared again. */
  catalogs: { from: string; to: string }
  compared: number
  /** Objects that are missing or different on the destination, according to these catalogs. */
  differences: string[]
  /** Tables whose columns have changed on the source, in a way that can be applied to the destination. */
  altered: TableName[]
  /** What a switchover would lose, a sentence each: the differences, and tables that are not followed correctly. */
  problems: string[]
  /** Differences without effect on rows: owners, privileges, comments, and objects that the destination had before. */
  remarks: string[]
}

export interface CheckedMove {
  record: FollowRecord
  link: Link
  publication: Publications
  /** How long the comparison may wait for a locked table. */
  lockWaitMs: number
  signal: AbortSignal
  /** Without it, rows that were never sent are not looked for. */
  onLearned?: ((learned: Learned) => void) | undefined
}

/** Given the last check, objects are compared only when a catalog has changed since. */
export async function checkObjects(work: CheckedMove, last?: ObjectsCheck): Promise<ObjectsCheck> {
  const { record, link, publication, signal } = work
  await using from = await Session.open(link.from, { signal })
  await using to = await Session.open(link.to, { signal })
  const catalogs = { from: await catalogFingerprint(from), to: await catalogFingerprint(to) }
  const unfollowed =
    record.tables.length === 0
      ? []
      : await findUnfollowed(
          from,
          {
            publication,
            followed: wantedTables(record, link.direction),
            leftOut: leftOutTables(record, link.direction, 'all'),
          },
          record.native ? undefined : to,
        )
  const named = new Set(
    unfollowed.flatMap(({ table, source = table }) => [tableKey(table), tableKey(source)]),
  )
  const unsent = await unsentRows(work, from, to)
  const tables = [...unfollowed, ...unsent.filter(({ table }) => !named.has(tableKey(table)))].map(
    ({ words }) => words,
  )
  if (last?.catalogs.from === catalogs.from && last.catalogs.to === catalogs.to) {
    return { ...last, problems: [...tables, ...last.differences] }
  }
  const { compared, differences } = await compareMoved(work)
  const others = differences.filter(
    ({ kind, schema = '', name, status }) =>
      status !== 'extra' &&
      !(kind === 'TABLE' && named.has(tableKey({ schema, name }))) &&
      // Objects of a table that is missing or has another name are compared when that is resolved.
      !(status === 'missing' && name.includes(' ') && named.has(tableKey({ schema, name: tableOf(name) }))),
  )
  const kept = new Set(record.kept?.map(tableKey))
  const extra = new Set(differences.filter(({ status }) => status === 'extra').map(withoutName))
  const isRemark = (one: ObjectDifference) => isHarmless(one, kept) || extra.has(withoutName(one))
  const remarks = others.filter(isRemark).map((one) => inWords(one, link))
  const missing: string[] = []
  const altered: TableName[] = []
  for (const one of others.filter((other) => !isRemark(other))) {
    const changes =
      one.kind === 'TABLE' && one.status === 'different' ? await changesOf(one, from, to) : undefined
    if (changes && !isEmpty(changes)) altered.push(changes.table)
    missing.push(inWords(one, link) + (changes ? describeChanges(changes) : ''))
  }
  return { catalogs, compared, differences: missing, altered, problems: [...tables, ...missing], remarks }
}

async function unsentRows(work: CheckedMove, from: Session, to: Session) {
  if (!work.onLearned || work.record.tables.length === 0) return []
  const { tables, learned } = await findUnsentRows(work, from, to)
  work.onLearned(learned)
  return tables
}

async function changesOf({ schema = '', name }: ObjectDifference, from: Session, to: Session) {
  return await schemaChangesFor(from, to, { schema, name })
}

function describeChanges(changes: SchemaChanges): string {
  const statements = changes.statements.concat(changes.finish)
  const can = statements.length > 0 ? [say`"pgtrek apply-schema" runs ${statements.join('; ')}`] : []
  const said = [...changes.remarks, ...can]
  return said.length > 0 ? `: ${said.join('; ')}` : ''
}

async function compareMoved({ record, link, lockWaitMs, signal }: CheckedMove) {
  const { compared, differences } = await compareSchema({
    source: link.from,
    destination: link.to,
    selection: record.moved?.selection ?? everything,
    allowUnused: true,
    lockWaitMs,
    signal,
  }).catch((error) => {
    if (!(error instanceof DumpFailed)) throw error
    throw new PgtrekError(say`the objects of both sides cannot be compared: ${error.message}`, {
      cause: error,
    })
  })
  const skipped = new Set(record.moved?.skippedExtensions)
  return {
    compared,
    differences: differences.filter(
      ({ kind, name }) =>
        !(kind === 'EXTENSION' && skipped.has(name)) &&
        // With a subscription, materialized views are filled after the rows, at the latest by the switchover.
        !(record.native && kind === 'MATERIALIZED VIEW DATA'),
    ),
  }
}

const harmlessKinds: ReadonlySet<string> = new Set([
  ...['ACL', 'DEFAULT ACL', 'COMMENT', 'SECURITY LABEL', 'DATABASE', 'DATABASE PROPERTIES'],
  ...['PUBLICATION', 'PUBLICATION TABLE', 'PUBLICATION TABLES IN SCHEMA', 'SUBSCRIPTION'],
])

/** Differences that no row and no statement of the application depends on. */
function isHarmless(difference: ObjectDifference, kept: ReadonlySet<string>): boolean {
  const { kind, schema = '', name, difference: lines } = difference
  if (harmlessKinds.has(kind)) return true
  const changed = lines.filter((line) => /^[-+]./.test(line)).map((line) => line.slice(1))
  if (changed.every((line) => /^ALTER .* OWNER TO .*;?$/.test(line))) return true
  // Tables of the destination that were kept when the move began, with their objects.
  const table =
    kind === 'INDEX'
      ? / ON (?:ONLY )?(\S+) /.exec(lines.join('\n'))?.[1]?.replace(/^.*\./, '').replaceAll('"', '')
      : tableOf(name)
  return kept.has(tableKey({ schema, name })) || kept.has(tableKey({ schema, name: table ?? name }))
}

/** The name of a constraint, trigger or rule begins with that of its table. */
function tableOf(name: string): string {
  return name.split(' ')[0] ?? name
}

const namedByServer = /^(INDEX|CONSTRAINT|FK CONSTRAINT|INDEX ATTACH)$/

/** Ignores names that the server has derived from a table's name, since the table may have had another one before. */
function withoutName({ kind, name, difference }: ObjectDifference): string {
  const own = name.slice(name.lastIndexOf(' ') + 1)
  const lines = difference.filter((line) => /^[-+]./.test(line)).map((line) => line.slice(1))
  return namedByServer.test(kind) ? `${kind} ${lines.join('\n').replaceAll(own, '?')}` : `${kind} ${name}`
}

function inWords({ kind, schema, name, status }: ObjectDifference, { from, to }: Link): string {
  const what = `${kind.toLowerCase()} ${showName({ schema: schema ?? '', name })}`
  return status === 'missing'
    ? say`${what} of ${describeSettings(from)} is missing on ${describeSettings(to)}`
    : say`${what} is not the same on ${describeSettings(from)} and ${describeSettings(to)}`
}

/**
 * A checksum of the catalog rows of user objects with the transactions that wrote them, so it changes with every DDL. It is
 * much cheaper than comparing the objects.
 */
export async function catalogFingerprint(session: Session): Promise<string> {
  const ofTables = (catalog: string, relation: string, key: string) => `
    select '${catalog}' as catalog, ${key}::text as key, x.xmin::text as xmin
      from pg_catalog.${catalog} x join pg_catalog.pg_class c on c.oid = x.${relation}
     where x.${relation} >= 16384 and c.relpersistence <> 't' and c.relkind <> 't'`
  const ofObjects = (catalog: string, condition = 'true') => `
    select '${catalog}', x.oid::text, x.xmin::text from pg_catalog.${catalog} x where x.oid >= 16384 and ${condition}`
  const { value } = await session.one<{ value: string }>(`
    select pg_catalog.md5(pg_catalog.string_agg(catalog || ' ' || key || ' ' || xmin, ',' order by catalog, key)) as value
      from (
        ${[
          // Without xmin, because TRUNCATE, VACUUM FULL and triggers of pgtrek change the row too.
          `select 'pg_class' as catalog, x.oid::text as key,
                  pg_catalog.concat_ws(' ', x.relname, x.relnamespace, x.relkind, x.relowner, x.relchecks,
                    x.relispartition, x.relreplident, x.relrowsecurity, x.reloptions) as xmin
             from pg_catalog.pg_class x
             join pg_catalog.pg_namespace n on n.oid = x.relnamespace
            where x.oid >= 16384 and x.relpersistence <> 't' and x.relkind <> 't' and n.nspname <> 'pgtrek'`,
          ofTables('pg_attribute', 'attrelid', "x.attrelid || ' ' || x.attnum"),
          ofTables('pg_attrdef', 'adrelid', 'x.oid'),
          ofTables('pg_index', 'indexrelid', 'x.indexrelid'),
          ofTables('pg_inherits', 'inhrelid', "x.inhrelid || ' ' || x.inhparent"),
          ofTables('pg_rewrite', 'ev_class', 'x.oid'),
          ofTables('pg_policy', 'polrelid', 'x.oid'),
          `${ofTables('pg_trigger', 'tgrelid', 'x.oid')} and x.tgname !~ '^pgtrek_'`,
          ofTables('pg_sequence', 'seqrelid', 'x.seqrelid'),
          ofObjects('pg_constraint'),
          ofObjects(
            'pg_proc',
            `x.pronamespace not in (select oid from pg_catalog.pg_namespace where nspname = 'pgtrek')`,
          ),
          // Types of tables change together with their tables.
          ofObjects('pg_type', "x.typtype in ('d', 'e', 'r', 'm')"),
          ofObjects('pg_enum'),
          ofObjects('pg_operator'),
          ofObjects('pg_cast'),
          ofObjects('pg_collation'),
          ofObjects('pg_extension'),
          ofObjects('pg_event_trigger'),
          ofObjects('pg_namespace', "x.nspname !~ '^(pg_|pgtrek$)'"),
        ].join('\n        union all\n')}
      ) entries`)
  return value ?? ''
}
