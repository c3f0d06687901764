// Sequences are not in the stream: their values are copied at intervals, and in the switchover.
import { Selector } from '../../../shared/selector.ts'
import { tableKey } from '../../../shared/table-name.ts'
import {
  advanceSequenceStatement,
  listSequences,
  readSequenceValues,
  type SequenceName,
} from '../../catalog/sequences.ts'
import { quoteLiteral, quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'

export interface SequenceState {
  schema: string
  name: string
  /** As text: a bigint does not fit a number. */
  value: string
  is_called: boolean
}

const perStatement = 200

/** Sequences of the move that still exist, and those created since that match the selection. */
export async function wantedSequences(
  source: Session,
  { sequences, moved, kept = [], tables, direction }: FollowRecord,
): Promise<Pick<SequenceName, 'schema' | 'name'>[]> {
  const all = await listSequences(source)
  const known = new Set(sequences.map(tableKey))
  if (!moved) return all.filter((one) => known.has(tableKey(one)))
  const selector = new Selector(moved.selection)
  const own = new Set(kept.map(tableKey))
  const followed = new Set(tables.map((table) => table[direction === 'forward' ? 'source' : 'destination']))
  const isChosen = ({ schema, name, ownedBy }: SequenceName) => {
    const verdict = selector.verdict({ kind: 'sequences', schema, name })
    return verdict === 'selected' || (verdict === 'unselected' && ownedBy !== null && followed.has(ownedBy))
  }
  return all.filter((one) => known.has(tableKey(one)) || (!own.has(tableKey(one)) && isChosen(one)))
}

/**
 * Sets the sequences that both sides have, advanced by a margin in their own direction up to their limits. Returns the
 * values that the destination has afterwards.
 */
export async function copySequenceValues(
  source: Session,
  destination: Session,
  wanted: readonly Pick<SequenceName, 'schema' | 'name'>[],
  { margin = 0, advanceOnly = false }: { margin?: number; advanceOnly?: boolean } = {},
): Promise<SequenceState[]> {
  const keys = new Set(wanted.map(tableKey))
  const there = new Map((await listSequences(destination)).map((one) => [tableKey(one), one]))
  const ours = (await listSequences(source)).filter(
    (one) => one.mayRead && keys.has(tableKey(one)) && there.has(tableKey(one)),
  )
  const values = new Map((await readSequenceValues(source, ours)).map((value) => [value.oid, value]))
  const statements = ours.flatMap((one) => {
    const value = values.get(one.oid)
    if (!value) return []
    return [advanceOnly ? advanceSequenceStatement(one, value) : setStatement(one, value, margin)]
  })
  for (let first = 0; first < statements.length; first += perStatement) {
    await destination.execute(statements.slice(first, first + perStatement).join(';\n'))
  }
  const theirs = ours.flatMap((one) => there.get(tableKey(one)) ?? [])
  const now = new Map((await readSequenceValues(destination, theirs)).map((value) => [value.oid, value]))
  return theirs.flatMap(({ oid, schema, name }) => {
    const value = now.get(oid)
    return value ? [{ schema, name, value: value.value, is_called: value.called }] : []
  })
}

/** Sequences that have advanced, so that the other side may give out the same numbers again. */
export async function sequencesBeyond(
  session: Session,
  set: readonly SequenceState[],
): Promise<Pick<SequenceName, 'schema' | 'name'>[]> {
  if (set.length === 0) return []
  const known = new Map(set.map((one) => [tableKey(one), one]))
  const ours = (await listSequences(session)).filter((one) => one.mayRead && known.has(tableKey(one)))
  const values = new Map((await readSequenceValues(session, ours)).map((value) => [value.oid, value]))
  const descending = await session.query<{ oid: number }>(
    'select seqrelid as oid from pg_catalog.pg_sequence where seqincrement < 0',
  )
  const isDescending = new Set(descending.map(({ oid }) => oid))
  return ours.filter((one) => {
    const [now, then] = [values.get(one.oid), known.get(tableKey(one))]
    if (!now || !then) return false
    if (now.value === then.value) return now.called && !then.is_called
    return BigInt(now.value) > BigInt(then.value) !== isDescending.has(one.oid)
  })
}

function setStatement(
  { schema, name }: Pick<SequenceName, 'schema' | 'name'>,
  { value, called }: { value: string; called: boolean },
  margin: number,
): string {
  const sequence = `${quoteLiteral(quoteQualified(schema, name))}::regclass`
  if (margin === 0) return `select pg_catalog.setval(${sequence}, ${value}, ${called})`
  return `
    select pg_catalog.setval(p.seqrelid::regclass,
             greatest(p.seqmin, least(p.seqmax, ${value}::numeric + ${margin}::numeric * p.seqincrement))::bigint,
             ${called})
      from pg_catalog.pg_sequence p
     where p.seqrelid = ${sequence}`
}
