// Tables that cannot be followed, or only with restrictions.

import { Pattern } from '../../shared/pattern.ts'
import { RuleBook } from '../../shared/rule-book.ts'
import { say } from '../../shared/say.ts'
import { tableKey } from '../../shared/table-name.ts'
import { type PublishedTable, publicationSince } from '../replication/stream/publication.ts'
import { type FollowedTable, readFollowedTables } from '../replication/tables/source-tables.ts'
import { type Check, type CheckContext, type Finding, findingFor, passed, type Remark } from './check.ts'
import type { End } from './fix.ts'
import { identityFixes, keyFixes, readUsableIdentities, wholeRowFixes } from './identity-fixes.ts'

type Candidate = FollowedTable & { shown: string; wanted: PublishedTable; insertsOnly: boolean }

const reading = new WeakMap<CheckContext, Promise<Candidate[]>>()

/** Reads the tables once for all checks of this file. */
function candidates(context: CheckContext): Promise<Candidate[]> {
  const known = reading.get(context)
  if (known) return known
  const tables = readCandidates(context)
  reading.set(context, tables)
  return tables
}

async function readCandidates({
  source,
  scope,
  published,
  rules,
  insertsOnly,
}: CheckContext): Promise<Candidate[]> {
  const all = await readFollowedTables(source)
  const book = new RuleBook(rules)
  const insertsOnlyPatterns = insertsOnly.map((text) => new Pattern(text))
  const wanted: readonly PublishedTable[] =
    published ??
    [...all.values()]
      .filter(
        ({ oid, kind, persistence, member }) =>
          kind === 'r' && persistence === 'p' && !member && scope.has(oid),
      )
      .map(({ schema, name }) => ({ schema, name, where: book.ruleOf({ schema, name }).where }))
  return wanted.flatMap((table) => {
    const facts = all.get(tableKey(table))
    if (!facts) return []
    const isInsertsOnly = insertsOnlyPatterns.some((pattern) => pattern.matches(table.name, table.schema))
    return [{ ...facts, shown: facts.sqlName, wanted: table, insertsOnly: isInsertsOnly }]
  })
}

const identity: Check = {
  id: 'replica-identity',
  title: 'Replica identities',
  why: say`When a table without a usable replica identity is published, the source rejects UPDATE and DELETE on it.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const tables = (await candidates(context)).flatMap((table) =>
      table.insertsOnly ? [] : table.identities.filter(([, one]) => one === 'none').map(([place]) => place),
    )
    if (tables.length === 0) return passed(say`every table has one`)
    const usable = await readUsableIdentities(context.source)
    return findingFor(tables.sort(), say`every table has one`, {
      status: 'blocker',
      found: say`tables without a primary key or another replica identity`,
      todo: say`Add a primary key, set a unique index over NOT NULL columns as replica identity, use REPLICA IDENTITY FULL (slow for large tables), or follow only inserts (--inserts-only). Partitions do not inherit it: set it for each, also for partitions that are created later.`,
      sql: tables.flatMap((name) => identityFixes('source', name, usable)),
    })
  },
}

/** Conflicts are detected by comparing the current row with the old row that the other side sent. */
const bothWays: Check = {
  id: 'both-ways-identity',
  title: 'Whole old rows for bidirectional changes',
  why: say`Only the whole old row shows that both sides have changed the same row.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    if (!context.bidirectional) return passed(say`changes are followed in one direction`)
    const ours = (await candidates(context)).filter(({ insertsOnly }) => !insertsOnly)
    const there = await readFollowedTables(context.destination)
    const lacking = (table: FollowedTable | undefined, end: End) =>
      (table?.identities ?? []).filter(([, one]) => one !== 'full').map(([place]) => ({ place, end }))
    const found = [
      ...ours.flatMap((table) => lacking(table, 'source')),
      ...ours.flatMap((table) => lacking(there.get(tableKey(table)), 'destination')),
    ]
    if (found.length === 0) return passed(say`every table sends whole old rows`)
    const [source, destination] = await Promise.all([
      readUsableIdentities(context.source),
      readUsableIdentities(context.destination),
    ])
    return findingFor(
      found.map(({ place, end }) => `${place}${end === 'source' ? '' : ' of the destination'}`),
      say`every table sends whole old rows`,
      {
        status: 'blocker',
        found: say`if both sides change the same row of these tables, it would differ afterwards, and this would not be reported`,
        todo: say`Use REPLICA IDENTITY FULL on both sides. The WAL grows by the old row of each update and delete. Reset it after the migration. Partitions do not inherit it. A table with virtual generated columns cannot send whole rows: exclude it, or make the columns stored.`,
        sql: found.flatMap(({ place, end }) => wholeRowFixes(end, place, { source, destination }[end])),
      },
    )
  },
}

const wholeRows: Check = {
  id: 'replica-identity-full',
  title: 'Tables with REPLICA IDENTITY FULL',
  why: say`Without a key, each UPDATE or DELETE searches the whole table for its row.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    if (context.bidirectional) return passed(say`required for both directions`)
    const places = (await candidates(context)).flatMap(({ identities }) =>
      identities.filter(([, one]) => one === 'full').map(([place]) => place),
    )
    if (places.length === 0) return passed(say`there are none`)
    const usable = await readUsableIdentities(context.source)
    return findingFor(places, say`there are none`, {
      status: 'warning',
      found: say`their updates and deletes are slow if the table is large`,
      todo: say`If a table has a key, use the key as replica identity. Keep REPLICA IDENTITY FULL for a table without a key until it has a primary key: with another replica identity its updates and deletes would be rejected.`,
      sql: places.flatMap((place) => keyFixes('source', place, usable)),
    })
  },
}

const computed: Check = {
  id: 'computed-columns',
  title: 'Generated columns in the stream',
  why: say`A generated column is not sent: the destination computes it, and it cannot identify rows.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const tables = await candidates(context)
    const unsent = tables.filter((table) => table.unsent.length > 0 && !table.insertsOnly)
    if (unsent.length > 0) {
      const usable = await readUsableIdentities(context.source)
      return {
        status: 'blocker',
        found: say`rows are identified by generated columns, which PostgreSQL ${context.source.major} cannot send`,
        todo: say`Set a unique index over other columns as replica identity, use REPLICA IDENTITY FULL (slow for large tables), or follow only inserts of these tables (--inserts-only).`,
        objects: unsent.map(({ shown, unsent: names }) => `${shown}: ${names.join(', ')}`),
        sql: [
          ...new Set(
            unsent.flatMap(({ shown, identities }) => [shown, ...identities.map(([place]) => place)]),
          ),
        ].flatMap((place) => identityFixes('source', place, usable)),
      }
    }
    const generated = tables.filter((table) => table.generated.length > 0)
    return findingFor(
      generated.map(({ shown, generated: names }) => `${shown}: ${names.join(', ')}`),
      say`there are none`,
      {
        status: 'warning',
        found: say`the destination computes them for every change`,
        todo: say`Make sure that it has the same expressions. Tables that this migration creates have them.`,
      },
    )
  },
}

const ownership: Check = {
  id: 'publishing-rights',
  title: 'Right to publish',
  why: say`Only the owner of a table can add it to a publication.`,
  followOnly: true,
  async look(context): Promise<Remark> {
    const { user } = context.facts.source
    if (context.publication !== undefined)
      return passed(say`the publication ${context.publication} already exists`)
    const others = (await candidates(context)).filter(({ owned }) => !owned)
    return findingFor(
      others.map(({ shown }) => shown).sort(),
      say`"${user}" owns every table, or may act for its owner`,
      {
        status: 'blocker',
        found: say`"${user}" does not own these tables`,
        todo: say`Connect as their owner, as a member of that role or as a superuser, or exclude them.`,
      },
    )
  },
}

const filters: Check = {
  id: 'followed-conditions',
  title: 'Conditions and mapped columns',
  why: say`Changes are sent as rows of the source: row conditions need PostgreSQL 15 or later, and columns cannot be mapped.`,
  followOnly: true,
  async look(context): Promise<Remark> {
    const mapped = context.rules.filter(({ columns, leaveOut }) => columns || leaveOut?.length)
    const tooOld = context.source.major < publicationSince.filters
    const filtered = tooOld
      ? (await candidates(context)).filter(({ wanted }) => wanted.where !== undefined || wanted.columns)
      : []
    return findingFor(
      [
        ...mapped.map(({ table }) => `${table}: its columns are mapped`),
        ...filtered.map(
          ({ shown }) => `${shown}: PostgreSQL ${context.source.major} cannot send only some of its rows`,
        ),
      ],
      say`none`,
      {
        status: 'blocker',
        found: say`these tables can be copied as requested, but not followed`,
        todo: say`Remove the condition or the mapping, or exclude these tables here and copy them in a separate run.`,
      },
    )
  },
}

export const followedTableChecks: readonly Check[] = [
  ownership,
  identity,
  wholeRows,
  bothWays,
  computed,
  filters,
]
