// Compares the values of sequences. Sequences are not part of snapshots: these are current values.
import type { SequenceDifference, SequencesComparison } from '../../shared/comparison.ts'
import { showName, tableKey } from '../../shared/table-name.ts'
import {
  listSequences,
  readSequenceValues,
  type SequenceName,
  type SequenceValue,
} from '../catalog/sequences.ts'
import type { Session } from '../postgres/session.ts'
import type { ReadingEnd } from './reading-end.ts'

export interface OwnedSequence extends SequenceName {
  /** The table that owns it. */
  owner: number | undefined
}

export async function readOwnedSequences(session: Session): Promise<OwnedSequence[]> {
  const owners = await session.query<{ sequence: number; owner: number }>(`
    select d.objid as sequence, d.refobjid as owner
      from pg_catalog.pg_depend d
      join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
     where d.classid = 'pg_catalog.pg_class'::regclass
       and d.refclassid = 'pg_catalog.pg_class'::regclass
       and d.deptype in ('a', 'i')`)
  const ownerOf = new Map(owners.map((row) => [row.sequence, row.owner]))
  return (await listSequences(session)).map((sequence) => ({ ...sequence, owner: ownerOf.get(sequence.oid) }))
}

/** The number of sequences of extensions that are not listed, and so not compared. */
export async function countInternalSequences(session: Session): Promise<number> {
  const { all } = await session.one<{ all: number }>(`
    select count(*)::int as all
      from pg_catalog.pg_class c
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
     where c.relkind = 'S'`)
  const listed = (await listSequences(session)).filter(({ isOfExtension }) => isOfExtension)
  return Math.max(0, all - listed.length)
}

export async function compareSequences(
  source: { end: ReadingEnd; sequences: readonly OwnedSequence[] },
  destination: { end: ReadingEnd; sequences: readonly OwnedSequence[] },
): Promise<SequencesComparison> {
  const internal = [source, destination].map(({ end }) => countInternalSequences(end.catalog))
  const ofExtensions = Math.max(...(await Promise.all(internal)))
  const [here, there] = [await readStates(source), await readStates(destination)]
  const names = new Map([...source.sequences, ...destination.sequences].map((one) => [tableKey(one), one]))
  const differences: SequenceDifference[] = []
  for (const [key, { schema, name }] of names) {
    const [ours, theirs] = [here.get(key), there.get(key)]
    const status = statusOf(ours, theirs)
    if (status === 'same') continue
    const values = {
      ...(ours?.value && { source: ours.value }),
      ...(theirs?.value && { destination: theirs.value }),
    }
    differences.push({ schema, name, status, ...values })
  }
  return {
    compared: names.size,
    differences: differences.sort((one, other) => (showName(one) < showName(other) ? -1 : 1)),
    of_extensions: ofExtensions,
  }
}

/** Without a value the sequence may not be read. */
type State = { value?: string }

async function readStates({ end, sequences }: { end: ReadingEnd; sequences: readonly OwnedSequence[] }) {
  const readable = sequences.filter(({ mayRead }) => mayRead)
  const values = await end.read((session) => readSequenceValues(session, readable))
  const byOid = new Map(values.map((value) => [value.oid, value]))
  return new Map(
    sequences.map((sequence): [string, State] => {
      const value = byOid.get(sequence.oid)
      return [tableKey(sequence), value ? { value: shown(value) } : {}]
    }),
  )
}

function shown({ value, called }: SequenceValue): string {
  return called ? value : `${value} (not yet used)`
}

function statusOf(ours: State | undefined, theirs: State | undefined): SequenceDifference['status'] {
  if (!theirs) return 'missing'
  if (!ours) return 'extra'
  if (ours.value === undefined || theirs.value === undefined) return 'unknown'
  return ours.value === theirs.value ? 'same' : 'different'
}
