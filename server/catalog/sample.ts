// How fast a table of the source can be read, and how long the destination takes to answer: for a time estimate.
import type { Sample } from '../../shared/plan-sql-api.ts'
import { showName, type TableName } from '../../shared/table-name.ts'
import { sampleCopy } from '../postgres/copy-sample.ts'
import { PlanRefused } from '../postgres/errors.ts'
import { quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { estimatedRows } from './estimated-rows.ts'

const limits = { milliseconds: 1200, bytes: 64 * 1024 * 1024 }
const roundTrips = 5

/** Nothing is written on either server: the speed of writing is not measured. */
export async function sampleOf(
  { source, destination }: { source: Session; destination: Session },
  table: TableName,
): Promise<Sample> {
  const roundTripMs = await medianRoundTrip(destination)
  await source.execute("begin read only; set local search_path = ''; set local lock_timeout = '2s'")
  const facts = await readFacts(source, table)
  const read = await sampleCopy(source, `copy ${quoteQualified(table.schema, table.name)} to stdout`, limits)
  await source.execute('rollback')
  const share = read.complete ? 1 : facts.rows > 0 ? Math.min(1, read.rows / facts.rows) : null
  return {
    schema: table.schema,
    table: table.name,
    ...read,
    share,
    table_bytes: facts.bytes,
    round_trip_ms: Math.round(roundTripMs * 100) / 100,
  }
}

async function readFacts(
  source: Session,
  { schema, name }: TableName,
): Promise<{ rows: number; bytes: number }> {
  const [facts] = await source.query<{ rows: number; bytes: number }>(
    `select ${estimatedRows('c', 'pg_catalog.pg_relation_size(c.oid)')} as rows,
            coalesce(pg_catalog.pg_table_size(c.oid), 0)::float8 as bytes
       from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2 and c.relkind = 'r'`,
    [schema, name],
  )
  if (!facts) throw new PlanRefused(`${showName({ schema, name })} is not a table of the source`)
  return facts
}

async function medianRoundTrip(session: Session): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < roundTrips; count++) {
    const started = performance.now()
    await session.query('select')
    times.push(performance.now() - started)
  }
  return times.toSorted((one, other) => one - other)[Math.floor(roundTrips / 2)] ?? 0
}
