// Existing tables with rows that foreign keys connect: emptied and filled by superusers and by owners.
import { beforeAll, describe, expect, test } from 'bun:test'
import { compareRows } from '../../tools/comparison/compare.ts'
import { casesOf } from '../../tools/long.ts'
import { type CloneTest, clone } from '../../tools/moves/clone.ts'
import { type Cluster, cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { type Owned, ownedDatabase, plainRole } from './owners.ts'
import { keysAndTriggers } from './running.ts'

const servers = new Map<Major, Cluster>()
let role: string

/** `rows`: those of the source; `old`: those that the destination has before. */
interface Family {
  schema: string
  rows: string
  old: string
}

const partitioned: Family = {
  schema: `
    create table customer (id int primary key, referrer int references customer);
    create table sale (id int, region int, customer int references customer on delete cascade, primary key (id, region))
      partition by list (region);
    create table sale_1 partition of sale for values in (1);
    create table sale_2 partition of sale for values in (2) partition by range (id);
    create table sale_2_low partition of sale_2 for values from (minvalue) to (1000);
    create table sale_2_high partition of sale_2 for values from (1000) to (maxvalue);
    create table item (sale int, region int, n int, foreign key (sale, region) references sale on delete cascade);
    create table refund (item int, sale int, region int, constraint of_sale foreign key (sale, region) references sale);`,
  rows: `
    insert into customer values (1, null), (2, 1), (3, 2);
    insert into sale values (1, 1, 1), (2, 2, 2), (2000, 2, 3);
    insert into item values (1, 1, 1), (2000, 2, 2); insert into refund values (1, 2, 2);`,
  old: `
    insert into customer values (8, null), (9, 8); insert into sale values (7, 1, 8), (7, 2, 9), (7000, 2, 9);
    insert into item values (7, 1, 1), (7000, 2, 7); insert into refund values (7, 7, 2);`,
}

const circle: Family = {
  schema: `
    create table a (id int primary key, b int); create table b (id int primary key, c int);
    create table c (id int primary key, a int constraint closes references a);
    alter table a add constraint ab foreign key (b) references b;
    alter table b add constraint bc foreign key (c) references c;`,
  rows: `
    insert into a values (1, null), (2, null); insert into c values (1, 1), (2, 2); insert into b values (1, 2), (2, 1);
    update a set b = 3 - id;`,
  old: 'insert into a values (9, null); insert into c values (9, 9); insert into b values (9, 9); update a set b = 9;',
}

const chain: Family = {
  schema: `create table top (id int primary key); create table mid (id int primary key, top int references top);
           create table low (mid int references mid);`,
  rows: 'insert into top values (1), (2); insert into mid values (1, 1), (2, 2); insert into low values (1);',
  old: 'insert into top values (1), (9); insert into mid values (1, 9), (9, 9); insert into low values (1);',
}

const together = (...families: Family[]): Family => ({
  schema: families.map(({ schema }) => schema).join(''),
  rows: families.map(({ rows }) => rows).join(''),
  old: families.map(({ old }) => old).join(''),
})
const all = together(partitioned, circle, chain)
/** Tables whose rows can be copied in an order that keeps every foreign key. */
const ordered = together(partitioned, chain)

const whose = casesOf<[string, Major]>(
  [
    ['a superuser', 18],
    ['a plain owner', 12],
  ],
  [
    ['a superuser', 12],
    ['a plain owner', 17],
  ],
)

/** Runs only read them. */
const sources = new Map<Family, Owned>()

beforeAll(async () => {
  for (const major of new Set([15 as const, ...whose.map(([, to]) => to)])) {
    servers.set(major, await cluster(major))
  }
  role = await plainRole(...servers.values())
  for (const family of [all, ordered]) {
    sources.set(family, await ownedDatabase(serverOf(15), role, family.schema + family.rows))
  }
})

const serverOf = (major: Major) => servers.get(major) as Cluster

async function make(who: string, to: Major, family: Family) {
  const source = sources.get(family) as Owned
  const destination = await ownedDatabase(serverOf(to), role, family.schema + family.old)
  const url = (one: Owned) => (who === 'a superuser' ? one.url : one.loginUrl)
  const before = await keysAndTriggers(destination)
  const run = (test: CloneTest) =>
    clone({ url: url(source) }, { url: url(destination) }, { confirm: true, ...test })
  return { source, destination, before, run }
}

async function count(database: TestDatabase, table: string) {
  const [row] = await database.sql<{ n: number }>(`select count(*)::int as n from ${table}`)
  return row?.n
}

describe.each(whose)('%s (15 to %d)', (who, to) => {
  // Partitioned tables with foreign keys to and from them, one that refers to itself, a cycle of foreign keys.
  test('replaces the rows', async () => {
    const { source, destination, before, run } = await make(who, to, all)
    const { failures, result } = await run({ options: { dataOnly: true } })
    expect(failures).toEqual([])
    expect(result.status).toBe('completed')
    expect(await compareRows(source, destination)).toEqual([])
    expect(await keysAndTriggers(destination)).toEqual(before)
  })

  test('replaces the rows by a clone', async () => {
    const { source, destination, before, run } = await make(who, to, all)
    const { failures } = await run({})
    expect(failures).toEqual([])
    expect(await compareRows(source, destination)).toEqual([])
    expect(await keysAndTriggers(destination)).toEqual(before)
  })

  test('replaces the rows of a partition alone, and changes no other', async () => {
    const { destination, before, run } = await make(who, to, all)
    const { result, events, failures } = await run({
      options: { dataOnly: true },
      selection: { include: ['sale_2_low'] },
    })
    // Tables that refer to its old rows are not part of the run: that is reported, and nothing else happens.
    expect(result.status).toBe('completed_with_failures')
    expect(JSON.stringify(events)).toMatch(
      /references? rows|could not be restored|deleting its rows would change/,
    )
    expect(await count(destination, 'sale_1')).toBe(1)
    expect(await count(destination, 'sale_2_high')).toBe(1)
    expect(await count(destination, 'item')).toBe(2)
    const state = JSON.stringify(await keysAndTriggers(destination))
    for (const name of ['sale_customer_fkey', 'item_sale_region_fkey', 'of_sale']) {
      expect(JSON.stringify(before)).toContain(name)
      // The key of a partitioned table cannot be restored without validation before 18.
      if (!state.includes(name))
        expect(failures.join()).toMatch(`"${name}" of public.sale could not be restored`)
    }
  })

  test('keeps foreign keys enforced with the option for that, in the order of the tables', async () => {
    const { source, destination, before, run } = await make(who, to, ordered)
    const { failures } = await run({ options: { dataOnly: true, disableFk: false } })
    expect(failures).toEqual([])
    expect(await compareRows(source, destination)).toEqual([])
    expect(await keysAndTriggers(destination)).toEqual(before)
  })
})

describe('a chain of which only a part is selected', () => {
  test.each(whose)('is emptied without the rest, by %s (15 to %d)', async (who, to) => {
    const { destination, before, run } = await make(who, to, all)
    const { failures } = await run({ options: { dataOnly: true }, selection: { include: ['top', 'mid'] } })
    expect(failures).toEqual([])
    expect(await destination.sql('select id from top order by id')).toEqual([{ id: 1 }, { id: 2 }])
    expect(await destination.sql('select mid from low')).toEqual([{ mid: 1 }])
    expect(await keysAndTriggers(destination)).toEqual(before)
  })
})
