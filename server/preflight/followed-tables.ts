// Which tables cannot be followed, or only with something to know: what publishing does to each of them.
import { Pattern } from '../../shared/pattern.ts'
import { RuleBook } from '../../shared/rule-book.ts'
import { tableKey } from '../../shared/table-name.ts'
import { type PublishedTable, publicationSince } from '../replication/stream/publication.ts'
import { type FollowedTable, readFollowedTables } from '../replication/tables/source-tables.ts'
import { type Check, type CheckContext, type Finding, fine, type Remark, unless } from './check.ts'
import type { End } from './fix.ts'
import { identityFixes, keyFixes, readIdentityMeans, wholeRowFixes } from './identity-fixes.ts'

type Candidate = FollowedTable & { shown: string; wanted: PublishedTable; insertsOnly: boolean }

const reading = new WeakMap<CheckContext, Promise<Candidate[]>>()

/** Read once for all of these checks. */
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
  const lenient = insertsOnly.map((text) => new Pattern(text))
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
    const isLenient = lenient.some((pattern) => pattern.matches(table.name, table.schema))
    return [{ ...facts, shown: facts.sqlName, wanted: table, insertsOnly: isLenient }]
  })
}

const identity: Check = {
  id: 'replica-identity',
  title: 'Keys of the tables',
  why: 'Once a table without usable replica identity is published, the source itself refuses its UPDATEs and DELETEs.',
  mends: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const tables = (await candidates(context)).flatMap((table) =>
      table.insertsOnly ? [] : table.identities.filter(([, one]) => one === 'none').map(([place]) => place),
    )
    if (tables.length === 0) return fine('every table has one')
    const means = await readIdentityMeans(context.source)
    return unless(tables.sort(), 'every table has one', {
      status: 'blocker',
      found: 'tables without a primary key or another replica identity',
      todo: 'Give them a primary key, name a unique index over NOT NULL columns, let whole rows identify themselves (slow for big tables), or follow them for inserts only (--inserts-only). Partitions do not inherit it: each needs its own, those made later too.',
      sql: tables.flatMap((name) => identityFixes('source', name, means)),
    })
  },
}

/** A conflict between both sides is seen by comparing the row with what the other side saw. */
const bothWays: Check = {
  id: 'both-ways-identity',
  title: 'Old rows, for changes both ways',
  why: 'Only with the whole old row can it be told that both sides have changed the same row.',
  mends: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    if (!context.bidirectional) return fine('changes flow one way')
    const ours = (await candidates(context)).filter(({ insertsOnly }) => !insertsOnly)
    const there = await readFollowedTables(context.destination)
    const lacking = (table: FollowedTable | undefined, end: End) =>
      (table?.identities ?? []).filter(([, one]) => one !== 'full').map(([place]) => ({ place, end }))
    const found = [
      ...ours.flatMap((table) => lacking(table, 'source')),
      ...ours.flatMap((table) => lacking(there.get(tableKey(table)), 'destination')),
    ]
    if (found.length === 0) return fine('every table sends whole old rows')
    const [source, destination] = await Promise.all([
      readIdentityMeans(context.source),
      readIdentityMeans(context.destination),
    ])
    return unless(
      found.map(({ place, end }) => `${place}${end === 'source' ? '' : ' of the destination'}`),
      'every table sends whole old rows',
      {
        status: 'blocker',
        found:
          'a row of these tables that both sides change would end differently on each, and nobody would notice',
        todo: 'Let whole rows identify themselves, on both sides. The log grows by the old row of each update and delete. Afterwards set it back. Partitions do not inherit it. A table with virtual generated columns cannot send whole rows: leave it out, or make them stored.',
        sql: found.flatMap(({ place, end }) => wholeRowFixes(end, place, { source, destination }[end])),
      },
    )
  },
}

const wholeRows: Check = {
  id: 'replica-identity-full',
  title: 'Tables told apart by whole rows',
  why: 'Without a key an UPDATE or DELETE has to look for its row among all of the table.',
  mends: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    if (context.bidirectional) return fine('both ways they have to be')
    const places = (await candidates(context)).flatMap(({ identities }) =>
      identities.filter(([, one]) => one === 'full').map(([place]) => place),
    )
    if (places.length === 0) return fine('there are none')
    const means = await readIdentityMeans(context.source)
    return unless(places, 'there are none', {
      status: 'warning',
      found: 'their updates and deletes are slow where the table is large',
      todo: 'Where a table has a key, tell its rows apart by that. Without a key it has to stay so (another replica identity would refuse its updates and deletes) until it gets a primary key.',
      sql: places.flatMap((place) => keyFixes('source', place, means)),
    })
  },
}

const computed: Check = {
  id: 'computed-columns',
  title: 'Generated columns in the stream',
  why: 'A generated column is not sent: the destination computes it, and rows cannot be told apart by it.',
  mends: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const tables = await candidates(context)
    const unsent = tables.filter((table) => table.unsent.length > 0 && !table.insertsOnly)
    if (unsent.length > 0) {
      const means = await readIdentityMeans(context.source)
      return {
        status: 'blocker',
        found: `rows are told apart by columns that PostgreSQL ${context.source.major} computes and cannot send`,
        todo: 'Name a unique index over other columns as replica identity, let whole rows identify themselves (slow for big tables), or follow these tables for inserts only (--inserts-only).',
        objects: unsent.map(({ shown, unsent: names }) => `${shown}: ${names.join(', ')}`),
        sql: [
          ...new Set(
            unsent.flatMap(({ shown, identities }) => [shown, ...identities.map(([place]) => place)]),
          ),
        ].flatMap((place) => identityFixes('source', place, means)),
      }
    }
    const generated = tables.filter((table) => table.generated.length > 0)
    return unless(
      generated.map(({ shown, generated: names }) => `${shown}: ${names.join(', ')}`),
      'there are none',
      {
        status: 'warning',
        found: 'the destination computes them for every change',
        todo: 'See that it has the same expressions; tables that this move makes do.',
      },
    )
  },
}

const ownership: Check = {
  id: 'publishing-rights',
  title: 'Right to publish',
  why: 'Only its owner can put a table into a publication.',
  followOnly: true,
  async look(context): Promise<Remark> {
    const { user } = context.facts.source
    if (context.publication !== undefined)
      return fine(`the publication ${context.publication} is there already`)
    const others = (await candidates(context)).filter(({ owned }) => !owned)
    return unless(
      others.map(({ shown }) => shown).sort(),
      `"${user}" owns every table, or may act for its owner`,
      {
        status: 'blocker',
        found: `"${user}" does not own these tables`,
        todo: 'Connect as their owner, as a member of that role or as a superuser, or leave them out.',
      },
    )
  },
}

const filters: Check = {
  id: 'followed-conditions',
  title: 'Conditions and mapped columns',
  why: 'Changes come as rows of the source: only some of them since PostgreSQL 15, other columns never.',
  followOnly: true,
  async look(context): Promise<Remark> {
    const mapped = context.rules.filter(({ columns, leaveOut }) => columns || leaveOut?.length)
    const tooOld = context.source.major < publicationSince.filters
    const filtered = tooOld
      ? (await candidates(context)).filter(({ wanted }) => wanted.where !== undefined || wanted.columns)
      : []
    return unless(
      [
        ...mapped.map(({ table }) => `${table}: its columns are mapped`),
        ...filtered.map(
          ({ shown }) => `${shown}: PostgreSQL ${context.source.major} cannot send some of its rows only`,
        ),
      ],
      'nothing that could not be followed',
      {
        status: 'blocker',
        found: 'what is asked for can be copied, but not followed',
        todo: 'Follow these tables whole and as they are, or exclude them here and copy them by themselves.',
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
