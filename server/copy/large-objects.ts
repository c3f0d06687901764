// Copies the contents of large objects: they are read in slices on the source, copied into a temporary table, and written
// from there by the destination, so that no object has to fit into memory.
import { relayCopy } from '../postgres/copy-stream.ts'
import type { Throttle } from '../postgres/copy-throttle.ts'
import type { Session } from '../postgres/session.ts'
import type { LargeObject } from './lane-messages.ts'

const sliceBytes = 256 * 1024

interface LargeObjectCopy {
  source: Session
  destination: Session
  objects: readonly LargeObject[]
  throttle?: Throttle | undefined
  signal: AbortSignal
  onProgress: (objects: number, bytes: number) => void
}

/** Runs inside the destination's open transaction. Rows are objects, bytes their contents. */
export async function copyLargeObjects(copy: LargeObjectCopy): Promise<{ rows: number; bytes: number }> {
  const { source, destination, objects, throttle, signal, onProgress } = copy
  const list = objects.map(({ oid, size }) => `(${oid}::oid, ${size}::bigint)`).join(', ')
  await destination.execute(`
    create temporary table pgtrek_slices (object oid, start bigint, slice bytea) on commit drop;
    select pg_catalog.lo_create(o.oid) from (values ${list}) o (oid, size);`)
  const bytes = objects.reduce((sum, { size }) => sum + size, 0)
  if (bytes > 0) {
    await relayCopy({
      source,
      destination,
      copyOut: `copy (
        select o.oid, s.start, pg_catalog.lo_get(o.oid, s.start, ${sliceBytes})
          from (values ${list}) o (oid, size),
               pg_catalog.generate_series(0, o.size - 1, ${sliceBytes}) s (start)
      ) to stdout (format binary)`,
      copyIn: 'copy pg_temp.pgtrek_slices from stdin (format binary)',
      binary: true,
      throttle,
      signal,
      onProgress: (_, moved) => onProgress(0, Math.min(moved, bytes)),
    })
    await destination.execute(
      'select pg_catalog.lo_put(object, start, slice) from pg_temp.pgtrek_slices order by object, start',
    )
  }
  await destination.execute('drop table pg_temp.pgtrek_slices')
  return { rows: objects.length, bytes }
}
