// Merging rows into a table that has rows, next to the server's own INSERT ... SELECT ... ON CONFLICT of the same rows
// from a table of the destination.
import { copying, type Rows, rowsOf } from '../moves/copying.ts'
import type { Cluster, TestDatabase } from '../servers/clusters.ts'
import { median } from './figures.ts'
import { endedSessionsCpuSeconds } from './server-cpu.ts'

interface Way {
  name: string
  seconds: number[]
  /** Of the destination's processes. */
  cpu: number[]
  run(): Promise<void>
}

interface Kind {
  name: string
  /** Condition on the rows that the destination has before the merge. */
  there: string
  onConflict: string
  merge: NonNullable<Rows['merge']>
}

const columns = ['id', 'account', 'amount', 'note']
const table = 'public.entries'

const kinds: Kind[] = [
  {
    name: 'append, one row in a hundred exists',
    there: 'i % 100 = 0 or i < 0',
    onConflict: 'do nothing',
    merge: { conflict: { kind: 'ignore' } },
  },
  {
    name: 'upsert, every second row exists',
    there: 'i % 2 = 0 or i < 0',
    onConflict:
      '(id) do update set account = excluded.account, amount = excluded.amount, note = excluded.note',
    merge: { conflict: { kind: 'update', on: '("id")', set: ['account', 'amount', 'note'] } },
  },
]

export interface MergeBench {
  source: Cluster
  destination: Cluster
  rows: number
  rounds: number
  batchSizes: readonly number[]
  say(line: string): void
}

/** Returns lines with medians; the first way of each kind is the reference for the others. */
export async function benchMerge(bench: MergeBench): Promise<string[]> {
  const { rows, rounds, say } = bench
  const source = await bench.source.createDatabase('merge')
  const target = await bench.destination.createDatabase('merge')
  say(`loading merge: ${rows.toLocaleString('en')} rows`)
  const create = (name: string) =>
    `create table ${name} (id bigint, account int not null, amount numeric(12, 2), note text)`
  const fill = (name: string, condition: string) => `
    insert into ${name}
    select i, i % 1000, i / 7.0, 'note number ' || i from generate_series(${-rows / 2}, ${rows}) i
     where i <> 0 and (${condition})`
  await source.sql(`${create(table)}; ${fill(table, 'i > 0')}; alter table ${table} add primary key (id)`)
  await target.sql(`${create('incoming')}; ${fill('incoming', 'i > 0')}; ${create(table)};
                    alter table ${table} add primary key (id)`)
  await Promise.all([source, target].map((database) => database.sql('vacuum analyze')))
  const lines: string[] = []
  for (const kind of kinds) {
    const ways = [serverSide(target, kind), ...relays(source, target, kind, bench)]
    for (let round = 0; round <= rounds; round++) {
      for (const way of ways) {
        await target.sql(`truncate ${table}; ${fill(table, kind.there)}`)
        await target.sql(`vacuum analyze ${table}`)
        await target.sql('checkpoint')
        const cpu = await endedSessionsCpuSeconds(bench.destination)
        const started = performance.now()
        await way.run()
        // Round 0 is not counted: the server writes its WAL to new files.
        if (round > 0) {
          way.seconds.push((performance.now() - started) / 1000)
          way.cpu.push((await endedSessionsCpuSeconds(bench.destination)) - cpu)
        }
        await check(target, kind, rows)
      }
    }
    const reference = median(ways[0]?.seconds ?? [])
    lines.push(`merge: ${kind.name}`)
    for (const { name, seconds, cpu } of ways) {
      const each = seconds.map((one) => one.toFixed(2)).join(' ')
      const share = (median(seconds) / reference).toFixed(2)
      const work = `CPU of the destination's sessions ${median(cpu).toFixed(2)} s`
      lines.push(`  ${name.padEnd(36)} ${median(seconds).toFixed(2)} s  ${share}  ${work}  (${each})`)
    }
  }
  return lines
}

function serverSide(target: TestDatabase, { onConflict }: Kind): Way {
  return {
    name: 'INSERT ... SELECT on the server',
    seconds: [],
    cpu: [],
    async run() {
      await target.sql(`insert into ${table} select * from incoming on conflict ${onConflict}`)
    },
  }
}

function relays(
  source: TestDatabase,
  target: TestDatabase,
  { merge }: Kind,
  { rows, batchSizes }: MergeBench,
) {
  const ranges = [`id <= ${rows / 2}`, `id > ${rows / 2}`]
  return [1, 2].flatMap((workers) =>
    batchSizes.map((batchSize): Way => {
      const conditions = workers === 1 ? ['true'] : ranges
      return {
        name: `pgtrek, ${workers} worker${workers > 1 ? 's' : ''}, batches of ${batchSize}`,
        seconds: [],
        cpu: [],
        async run() {
          await using work = await copying(source, target, workers)
          await work.run(rowsOf({ table, columns, conditions, merge: { ...merge, key: ['id'], batchSize } }))
        },
      }
    }),
  )
}

async function check(target: TestDatabase, { there }: Kind, rows: number) {
  const [row] = await target.sql<{ count: string }>(`select count(*) from ${table}`)
  const expected = rows + rows / 2
  if (Number(row?.count) !== expected) {
    throw new Error(`${row?.count} rows instead of ${expected} after a merge into rows where ${there}`)
  }
}
