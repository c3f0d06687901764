// Tables that source and destination partition differently, or that only one of them partitions.
import { beforeAll, describe, expect, test } from 'bun:test'
import { compareData } from '../../server/compare/data.ts'
import type { Plan } from '../../server/migrate/plan/types.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { casesOf } from '../../tools/long.ts'
import { type CloneTest, clone } from '../../tools/moves/clone.ts'
import { type Cluster, cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'

let from: Cluster

beforeAll(async () => {
  from = await cluster(15)
})

const columns = 'id int, at timestamptz not null, v text'
const plain = `create table orders (${columns}); alter table orders add constraint orders_pkey primary key (id, at); create index by_v on orders (v);`
const divided = (...parts: [name: string, from: string, to: string][]) => `
  create table orders (${columns}) partition by range (at);
  ${parts.map(([name, low, high]) => `create table ${name} partition of orders for values from ('${low}') to ('${high}');`).join('')}
  alter table orders add constraint orders_pkey primary key (id, at); create index by_v on orders (v);`
const years = divided(['o_2023', '2023-01-01', '2024-01-01'], ['o_2024', '2024-01-01', '2025-01-01'])
const halves = divided(
  ['o_2023', '2023-01-01', '2023-07-01'],
  ['o_2023b', '2023-07-01', '2024-01-01'],
  ['o_later', '2024-01-01', '2030-01-01'],
)
const rows = `insert into orders select i, timestamptz '2023-01-01 12:00+00' + i * interval '1 day', 'v' || i from generate_series(0, 699) i;`
const old = `insert into orders values (1, '2023-02-02', 'old'), (5000, '2023-12-12', 'old'), (2, '2024-03-03', 'old');`

const shapes: [how: string, source: string, destination: string][] = [
  ['only on the destination', plain, halves],
  ['in another way', years, halves],
  ['only on the source', years, plain],
]

async function pair(major: Major, source: string, destination: string) {
  const to = await cluster(major)
  const [one, other] = [await from.createDatabase(), await to.createDatabase()]
  await one.sql(source + rows)
  await other.sql(destination)
  return { source: one, destination: other }
}

async function difference(source: TestDatabase, destination: TestDatabase) {
  const { tables } = await compareData({
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    signal: new AbortController().signal,
  })
  return tables.map(({ name, status }) => `${name} ${status}`)
}

const relations = (database: TestDatabase) =>
  database.sql(
    "select relname, relkind::text from pg_class where relnamespace = 'public'::regnamespace order by 1",
  )

describe.each(casesOf<Major>([12, 18], [15]))('a table that is partitioned (15 to %d)', (major) => {
  test.each(shapes)('%s gets its rows, and new ones replace old ones', async (_, ours, theirs) => {
    const { source, destination } = await pair(major, ours, theirs)
    const before = await relations(destination)
    let plan: Plan | undefined
    const run = (test: CloneTest = {}) =>
      clone(source, destination, {
        confirm: true,
        onPlan: (made) => {
          plan = made
        },
        ...test,
        options: { verify: true, ...test.options },
      })
    const first = await run()
    expect(first.failures).toEqual([])
    expect(plan?.warnings.join('\n')).toMatch(/public\.orders (is|has) .*partition/)
    expect(plan?.tables[0]).toMatchObject({ into: { schema: 'public', name: 'orders' } })
    expect(first.summary.verification).toMatchObject({ compared: 1, different: [] })
    expect(await difference(source, destination)).toEqual(['orders same'])
    // No partition of the source was created.
    expect(await relations(destination)).toEqual(before)
    await destination.sql(`truncate orders; ${old}`)
    const again = await run({ options: { dataOnly: true } })
    expect(again.failures).toEqual([])
    expect(plan?.destroyed).toEqual([{ action: 'truncate', schema: 'public', name: 'orders' }])
    expect(await difference(source, destination)).toEqual(['orders same'])
    const upserted = await run({ options: { dataOnly: true, existingDataMode: 'upsert' } })
    expect(upserted.failures).toEqual([])
    expect(await difference(source, destination)).toEqual(['orders same'])
  })

  test('differently fails as a whole where a row has no partition, and keeps its old rows', async () => {
    const { source, destination } = await pair(major, years, halves.replace('2030-01-01', '2024-06-01'))
    await destination.sql(old)
    const { failures, result } = await clone(source, destination, { confirm: true })
    expect(result.status).toBe('completed_with_failures')
    expect(failures.join('\n')).toMatch(
      /no partition of relation "orders" found for row.*public\.orders kept its 3 rows\./,
    )
    expect(await destination.sql('select count(*)::int as n from orders')).toEqual([{ n: 3 }])
  })

  test('with an additional partition on the destination keeps its rows, and is copied by partition', async () => {
    const { source, destination } = await pair(major, years, years)
    await destination.sql(`create table o_2025 partition of orders for values from ('2025-01-01') to ('2026-01-01');
                           ${old} insert into orders values (7, '2025-05-05', 'own')`)
    let plan: Plan | undefined
    const { failures } = await clone(source, destination, {
      options: { verify: true },
      confirm: true,
      onPlan: (made) => {
        plan = made
      },
    })
    expect(failures).toEqual([])
    expect(plan?.tables.map(({ name, into }) => [name, into])).toEqual([
      ['o_2023', undefined],
      ['o_2024', undefined],
    ])
    expect(
      await destination.sql(
        "select count(*)::int as n, count(*) filter (where v = 'own')::int as own from orders",
      ),
    ).toEqual([{ n: 701, own: 1 }])
  })

  test('below another table of the destination gets its rows, in parts too, and is verified separately', async () => {
    const source = await from.createDatabase()
    const destination = await (await cluster(major)).createDatabase()
    await source.sql(
      "create table m (id int, v text); insert into m select i * 2, repeat('x', 300) from generate_series(1, 9000) i",
    )
    await destination.sql(`
      create table top (id int, v text) partition by list ((id % 2));
      create table m partition of top for values in (0) partition by range (id);
      create table m_1 partition of m for values from (0) to (5000); create table m_2 partition of m default;
      create table odd partition of top for values in (1); insert into odd values (1, 'own');`)
    const options = { dataOnly: true, verify: true, splitBytes: 1024 * 1024, workers: 3 }
    for (const _ of ['empty', 'with rows']) {
      const { failures, summary } = await clone(source, destination, { options, confirm: true })
      expect(failures).toEqual([])
      expect(summary.verification).toMatchObject({ compared: 1, different: [] })
    }
    expect(
      await destination.sql('select count(*)::int as n, count(distinct id)::int as ids from top'),
    ).toEqual([{ n: 9001, ids: 9001 }])
  })

  test('differently, and selected in part, is not replaced; rows can be added', async () => {
    const { source, destination } = await pair(major, years, halves)
    await destination.sql(old)
    const selection = { include: ['o_2024'] }
    const options = { dataOnly: true } as const
    const { result } = await clone(source, destination, { selection, options, confirm: true })
    expect(String(result.error)).toMatch(/not all of these are part of this run/)
    const added = await clone(source, destination, {
      selection,
      options: { ...options, existingDataMode: 'append' },
    })
    expect(added.failures).toEqual([])
    expect(await destination.sql('select count(*)::int as n from orders')).toEqual([{ n: 3 + 335 }])
  })
})
