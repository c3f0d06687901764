// Compares the objects of two databases: both are described by the same pg_dump, and the descriptions are compared
// object by object.
import type { ObjectDifference, SchemaComparison } from '../../shared/comparison.ts'
import { everything } from '../../shared/defaults.ts'
import type { Selection } from '../../shared/request.ts'
import { Selector } from '../../shared/selector.ts'
import { showName, type TableName } from '../../shared/table-name.ts'
import { readOwnObjects } from '../catalog/own.ts'
import { Cancelled } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { pgDump } from '../schema/dump.ts'
import { type Entry, parseEntries } from '../schema/entries.ts'
import { withoutOwn } from '../schema/own-entries.ts'
import { withPlainNames } from '../schema/plain-names.ts'
import { type Definition, definitionOf } from './definitions.ts'
import { selectEntries } from './entry-selection.ts'
import { settled } from './fingerprint.ts'
import { type Normalisation, normalisationsBetween, normalName } from './normalise.ts'
import { readRelations } from './relations.ts'
import { refuseUnused } from './selection.ts'
import { textDifference } from './text-difference.ts'

export interface SchemaComparisonRequest {
  source: ConnectionSettings
  destination: ConnectionSettings
  selection?: Selection | undefined
  /** Owners are compared unless this is false. */
  owner?: boolean | undefined
  acl?: boolean | undefined
  comments?: boolean | undefined
  tablespaces?: boolean | undefined
  publications?: boolean | undefined
  securityLabels?: boolean | undefined
  /** Names of the selection that match nothing on either side are not an error. */
  allowUnused?: boolean | undefined
  /** Limit for waiting for a lock on a table; without it there is no limit. */
  lockWaitMs?: number | undefined
  signal: AbortSignal
}

/** A difference with the definitions that it is between, as they are and as they were compared. */
export interface Pairing {
  difference: ObjectDifference
  ours: Definition | undefined
  theirs: Definition | undefined
  texts: [string, string]
}

export interface ReadSchemas {
  comparison: SchemaComparison
  pairings: Pairing[]
  /** All selected entries of the destination. */
  destination: Entry[]
}

export async function compareSchema(request: SchemaComparisonRequest): Promise<SchemaComparison> {
  return (await readSchemas(request)).comparison
}

/** The comparison with what it was made from. */
export async function readSchemas(request: SchemaComparisonRequest): Promise<ReadSchemas> {
  const started = performance.now()
  const { signal } = request
  try {
    await using stack = new AsyncDisposableStack()
    const open = async (settings: ConnectionSettings) => stack.use(await Session.open(settings, { signal }))
    const sessions = await settled([open(request.source), open(request.destination)])
    const unreadable = (await settled(sessions.map(readUnreadable))).flat()
    const dumps = await settled(sessions.map((session) => dumpEntries(session, unreadable, request)))
    const hasOwn = dumps.some(({ isWithoutOwn }) => isWithoutOwn)
    const selected = select(
      request.selection ?? everything,
      dumps.map(({ entries }) => entries),
      request.allowUnused,
    )
    const [ours, theirs] = selected.map((entries) => {
      return entries.map(definitionOf).filter((definition) => definition !== undefined)
    }) as [Definition[], Definition[]]
    const majors = sessions.map(({ major }) => major) as [number, number]
    const { pairings, ...compared } = compareDefinitions(ours, theirs, majors)
    return {
      comparison: {
        ...compared,
        normalised: [...compared.normalised, ...(hasOwn ? [ownWords] : [])],
        elapsed_seconds: (performance.now() - started) / 1000,
        unreadable: [...new Set(unreadable.map(showName))].sort(),
      },
      pairings,
      destination: selected[1] ?? [],
    }
  } catch (error) {
    throw signal.aborted ? new Cancelled() : error
  }
}

/** pg_dump stops at the first table that it may not lock. */
async function readUnreadable(session: Session): Promise<TableName[]> {
  await session.execute("set search_path = ''")
  const relations = await readRelations(session)
  return relations.filter(({ mayRead }) => !mayRead).map(({ schema, name }) => ({ schema, name }))
}

async function dumpEntries(
  session: Session,
  unreadable: readonly TableName[],
  request: SchemaComparisonRequest,
): Promise<{ entries: Entry[]; isWithoutOwn: boolean }> {
  const without: [boolean | undefined, string][] = [
    [request.owner, '--no-owner'],
    [request.acl, '--no-privileges'],
    [request.comments, '--no-comments'],
    [request.tablespaces, '--no-tablespaces'],
    [request.publications, '--no-publications'],
    [request.securityLabels, '--no-security-labels'],
  ]
  const flags = [
    // Majors have different keywords, and quote only their own.
    ...['--verbose', '--create', '--section=pre-data', '--section=post-data', '--quote-all-identifiers'],
    ...(request.lockWaitMs === undefined ? [] : [`--lock-wait-timeout=${request.lockWaitMs}`]),
    ...unreadable.map(({ schema, name }) => `--exclude-table=${quoteQualified(schema, name)}`),
    ...without.flatMap(([wanted, flag]) => (wanted === false ? [flag] : [])),
  ]
  if (session.tap.parameters.get('server_encoding') !== 'SQL_ASCII') flags.push('--encoding=UTF8')
  const own = await readOwnObjects(session)
  const all = parseEntries(await pgDump(session, flags, request.signal))
  const entries = withoutOwn(all, own)
  // A setting that pgtrek made is removed from the entry of an object, and the entry stays.
  return { entries, isWithoutOwn: entries.length < all.length || entries.some((one, at) => one !== all[at]) }
}

const ownWords =
  'objects and settings that pgtrek created for a move, which its cleanup removes (schema pgtrek, publications, read-only settings of the database)'

function select(selection: Selection, dumps: readonly Entry[][], allowUnused = false): Entry[][] {
  const selector = new Selector(selection)
  if (selector.isEverything) return [...dumps]
  const selected = dumps.map((entries) => selectEntries(selector, entries))
  if (!allowUnused) refuseUnused(selector, dumps.flat())
  return selected
}

/** Pure, so that tests can compare statements without a server. */
export function compareDefinitions(
  source: readonly Definition[],
  destination: readonly Definition[],
  [sourceMajor, destinationMajor]: [number, number],
): Pick<SchemaComparison, 'status' | 'compared' | 'differences' | 'normalised'> & { pairings: Pairing[] } {
  const rules = normalisationsBetween(sourceMajor, destinationMajor)
  const applied = new Set<string>()
  const differences: ObjectDifference[] = []
  const pairings: Pairing[] = []
  let compared = 0
  for (const [ours, theirs] of pairs(source, destination)) {
    compared++
    const [before, after] =
      sourceMajor <= destinationMajor
        ? normalised(ours, theirs, rules, applied)
        : normalised(theirs, ours, rules, applied).toReversed()
    // Without owners nothing is left of the entry that some majors have for the schema public.
    if ((before ?? '') === (after ?? '')) continue
    const { kind, schema, name } = (ours ?? theirs) as Definition
    const status = !theirs ? 'missing' : !ours ? 'extra' : 'different'
    const difference = readableDifference(before ?? '', after ?? '').map(withoutSecrets)
    const found = { kind, ...(schema !== undefined && { schema }), name, status, difference } as const
    differences.push(found)
    pairings.push({ difference: found, ours, theirs, texts: [before ?? '', after ?? ''] })
  }
  return {
    status: differences.length === 0 ? 'same' : 'different',
    compared,
    differences,
    normalised: [...applied],
    pairings,
  }
}

/**
 * Pairs objects of the same kind, schema and name. Of several, equal ones are paired first, then the others in order.
 */
function* pairs(source: readonly Definition[], destination: readonly Definition[]) {
  const keyOf = (one: Definition) => JSON.stringify([one.kind, one.schema, normalName(one)])
  const there = Map.groupBy(destination, keyOf)
  const taken = new Set<Definition>()
  for (const [key, ours] of Map.groupBy(source, keyOf)) {
    const theirs = there.get(key) ?? []
    const rest = ours.filter((one) => {
      const equal = theirs.find((other) => other.text === one.text && !taken.has(other))
      if (equal) taken.add(equal)
      return !equal
    })
    for (let count = ours.length - rest.length; count > 0; count--) yield [ours[0], ours[0]] as const
    for (const one of rest) {
      const other = theirs.find((candidate) => !taken.has(candidate))
      if (other) taken.add(other)
      yield [one, other] as const
    }
  }
  for (const other of destination) if (!taken.has(other)) yield [undefined, other] as const
}

function normalised(
  older: Definition | undefined,
  newer: Definition | undefined,
  rules: readonly Normalisation[],
  applied: Set<string>,
): (string | undefined)[] {
  if (!older || !newer || older.text === newer.text) return [older?.text, newer?.text]
  let texts: [string, string] = [older.text, newer.text]
  for (const { apply, why } of rules) {
    const next = apply(...texts, older.kind)
    if (next[0] !== texts[0] || next[1] !== texts[1]) applied.add(why)
    texts = next
  }
  return texts
}

/** Removes quotes around plain names unless the quotes are the difference. */
function readableDifference(before: string, after: string): string[] {
  const [one, other] = [withPlainNames(before), withPlainNames(after)]
  return one === other ? textDifference(before, after) : textDifference(one, other)
}

/** Subscriptions and user mappings contain passwords. */
export function withoutSecrets(line: string): string {
  return line
    .replace(/(\bpassword\s*=\s*)(?:''.*?''|'(?:[^'\\]|\\.|'')*'|[^\s']+)/gi, '$1***')
    .replace(/(\bpassword\s+)'(?:[^']|'')*'/gi, "$1'***'")
    .replace(/(postgres(?:ql)?:\/\/[^\s:@/]*:)[^\s@]*@/gi, '$1***@')
}
