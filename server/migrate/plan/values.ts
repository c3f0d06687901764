// The steps for data that is not in tables: values of sequences, large objects.
import type { LargeObjectFacts } from '../../catalog/large-objects.ts'
import type { PlanBuilder } from './builder.ts'
import type { CreatedTables } from './types.ts'

const largeObjectsPerStep = 500
const largeObjectBytesPerStep = 32 * 1024 * 1024

export function planSequences(builder: PlanBuilder, created: CreatedTables) {
  const readable = builder.inventory.sequences.filter((sequence) => sequence.mayRead)
  for (const sequence of builder.inventory.sequences.filter((candidate) => !candidate.mayRead)) {
    builder.add(
      { phase: 'sequences', kind: 'SEQUENCE SET', schema: sequence.schema, name: sequence.name },
      {
        kind: 'refuse',
        reason: `"${builder.inventory.source.user}" may not read it: grant select on the sequence`,
      },
      { after: [created.ready.id] },
    )
  }
  if (readable.length === 0) return
  builder.add(
    { phase: 'sequences', kind: 'SEQUENCE SET', name: `values of ${readable.length} sequences` },
    { kind: 'sequences', names: readable, advance: builder.options.existingDataMode !== 'truncate' },
    { pool: 'ddl', after: [created.ready.id] },
  )
}

export function planLargeObjects(builder: PlanBuilder, created: CreatedTables) {
  const { largeObjects, lacks, source } = builder.inventory
  const isThere = (object: LargeObjectFacts) => lacks.largeObjects.has(object.oid)
  const isCopied = (object: LargeObjectFacts) => object.mayRead && !isThere(object)
  const copied = largeObjects.filter(isCopied)
  // An interrupted run copied either all of them or none.
  const refused = largeObjects.filter((object) => !isCopied(object) && !(builder.resumed && isThere(object)))
  for (const object of refused) {
    const reason = object.mayRead
      ? 'a large object with this OID already exists on the destination: remove it there, or keep it'
      : `"${source.user}" may not read it: grant select on the large object`
    builder.add(
      { phase: 'large objects', kind: 'LARGE OBJECT', name: String(object.oid) },
      { kind: 'refuse', reason },
      { after: [created.ready.id] },
    )
  }
  for (let first = 0; first < copied.length; ) {
    let next = first
    let bytes = 0
    while (
      next < copied.length &&
      next - first < largeObjectsPerStep &&
      (next === first || bytes + (copied[next]?.size ?? 0) <= largeObjectBytesPerStep)
    ) {
      bytes += copied[next++]?.size ?? 0
    }
    const objects = copied.slice(first, next)
    const range = `${objects[0]?.oid}..${objects.at(-1)?.oid}`
    const rows = builder.add(
      { phase: 'large objects', kind: 'LARGE OBJECTS', name: range },
      {
        kind: 'copy',
        bytes,
        fills: true,
        exactlyOnce: false,
        parts: [{ kind: 'large objects', objects: objects.map(({ oid, size }) => ({ oid, size })) }],
      },
      { pool: 'copy', weight: bytes, after: [created.ready.id] },
    )
    builder.add(
      { phase: 'large objects', kind: 'LARGE OBJECT FACTS', name: range },
      { kind: 'large object facts', objects },
      { pool: 'build', needs: [rows.id] },
    )
    first = next
  }
}
