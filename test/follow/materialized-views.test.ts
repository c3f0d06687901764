// Rows of materialized views are not in the stream: a switchover lists the views, and refreshes them on request.
import { expect, test } from 'bun:test'
import { reportLines } from '../../server/cli/render/follow-text.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }
// In the order of their names, a view comes before the view that it reads.
const objects = `
  create table item (id int primary key, amount int not null);
  insert into item values (1, 10), (2, 20);
  create materialized view z_base as select id, amount from item;
  create view middle as select amount from z_base;
  create materialized view a_top as select sum(amount)::int as amount from middle;
  create materialized view n_share as select sum(100 / amount)::int as share from item;
  create materialized view "N above" as select share from n_share;
  create materialized view never_filled as select id from item with no data;`

async function top(database: TestDatabase) {
  const [row] = await database.sql<{ amount: number }>('select amount from a_top')
  return row?.amount
}

test('materialized views are listed in order, or refreshed after the handover; a view that fails is reported and stops nothing', async () => {
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  await source.sql(objects)
  await destination.sql('create materialized view only_here as select 1 as one')
  await using moving = move({ source, destination })
  await moving.untilStreaming()
  await source.sql(`
    insert into item values (3, 30);
    refresh materialized view z_base;
    refresh materialized view a_top`)

  const there = await moving.switchover({ keep_reverse: true })
  expect(there.error).toBeUndefined()
  expect(there.report?.materialized_views).toEqual({ total: 4, refreshed: 0, failed: [] })
  const old = there.report?.next.find((sentence) => sentence.includes('as of the copy'))
  expect(old).toStartWith('4 materialized views of ')
  expect(old).toEndWith(
    ': refresh materialized view public.n_share; refresh materialized view public."N above"; ' +
      'refresh materialized view public.z_base; refresh materialized view public.a_top',
  )
  expect(await top(destination)).toBe(30)

  await destination.sql('insert into item values (4, 0), (5, 40)')
  const back = await moving.switchover({ back: true, keep_reverse: true, refresh_materialized_views: true })
  expect(back.error).toBeUndefined()
  expect(back.report?.materialized_views).toEqual({
    total: 4,
    refreshed: 2,
    failed: [
      expect.stringMatching(/^public\.n_share: .*division by zero/),
      'public.N above: it reads public.n_share, which was not refreshed',
    ],
  })
  expect(back.report?.next.at(-1)).toEndWith(
    'refresh materialized view public.n_share; refresh materialized view public."N above"',
  )
  expect(await top(source)).toBe(100)

  await moving.untilStreaming()
  await source.sql('delete from item where amount = 0; insert into item values (6, 50)')
  const again = await moving.switchover({ refresh_materialized_views: true })
  expect(again.error).toBeUndefined()
  expect(again.report?.materialized_views).toEqual({ total: 4, refreshed: 4, failed: [] })
  expect(again.report && reportLines(again.report)).toContain('  4 materialized views were refreshed')
  expect(await top(destination)).toBe(150)
  const unfilled = await destination.sql<{ name: string }>(
    'select matviewname as name from pg_matviews where not ispopulated',
  )
  expect(unfilled.map(({ name }) => name)).toEqual(['never_filled'])
})
