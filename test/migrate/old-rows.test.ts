// Rows that the destination had before are deleted only when the new ones are committed.
import { beforeAll, describe, expect, test } from 'bun:test'
import { casesOf } from '../../tools/long.ts'
import { type CloneRun, type CloneTest, clone } from '../../tools/moves/clone.ts'
import { type Cluster, cluster, type Major, type TestDatabase } from '../../tools/servers/clusters.ts'
import { plainRole } from '../faults/owners.ts'

let from: Cluster

beforeAll(async () => {
  from = await cluster(15)
})

async function pair(major: Major, source: string, destination: string, role?: string) {
  const to = await cluster(major)
  const [one, other] = [await from.createDatabase(), await to.createDatabase()]
  const as = role === undefined ? '' : `set role ${role};`
  for (const database of [one, other]) {
    if (role !== undefined) await database.sql(`grant all on schema public to ${role}`)
  }
  await one.sql(as + source)
  await other.sql(as + destination)
  return { source: one, destination: other }
}

function loginOf(database: TestDatabase, role: string) {
  const url = new URL(database.url)
  url.username = role
  return { url: url.href }
}

const count = async (database: TestDatabase, ...tables: string[]) => {
  const parts = tables.map((table) => `(select count(*)::int from ${table}) as ${table}`)
  const [row] = await database.sql<Record<string, number>>(`select ${parts.join(', ')}`)
  return row
}

const failedIn = ({ summary }: CloneRun, table: string) =>
  summary.failed.find(({ kind, name }) => kind === 'ROWS' && name === table)?.error

// `big` is copied in parts, `small` together with `other`; only the last row of each is refused.
const tables = (limit: string) => `
  create table big (id int primary key, v text ${limit});
  create table small (id int primary key, v text ${limit});
  create table other (id int primary key, v text);`
const newRows = `
  insert into big select i, repeat('x', 200) from generate_series(1, 20000) i;
  insert into small select i, 'x' from generate_series(1, 10) i;
  insert into other select i, 'x' from generate_series(1, 10) i;
  insert into big values (0, 'bad'); insert into small values (0, 'bad');`
const oldRows = `
  insert into big values (1, 'old'), (2, 'old'), (3, 'old'); insert into small values (1, 'old'); insert into other values (77, 'old');`
const inParts = { dataOnly: true, splitBytes: 1024 * 1024, workers: 3 } as const

describe.each(casesOf<Major>([12, 18], [15, 17]))('a failed copy (15 to %d)', (major) => {
  test('leaves the old rows, of a table in parts and of a small one alike, and reports that', async () => {
    const { source, destination } = await pair(
      major,
      tables('') + newRows,
      tables("check (v <> 'bad')") + oldRows,
    )
    const run = await clone(source, destination, { options: inParts, confirm: true })
    expect(run.result.status).toBe('completed_with_failures')
    expect(await count(destination, 'big', 'small', 'other')).toEqual({ big: 3, small: 1, other: 10 })
    expect(failedIn(run, 'big')).toMatch(/violates check constraint.*The table kept its 3 rows\.$/)
    expect(failedIn(run, 'small')).toMatch(/The table kept its 1 row\.$/)
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'step_failed', left: [{ schema: 'public', name: 'small', rows: 1 }] }),
    )
    // After the cause is removed, the second attempt replaces them.
    await destination.sql(
      'alter table big drop constraint big_v_check; alter table small drop constraint small_v_check',
    )
    const again = await clone(source, destination, { options: inParts, confirm: true })
    expect(again.failures).toEqual([])
    expect(await count(destination, 'big', 'small', 'other')).toEqual({ big: 20001, small: 11, other: 10 })
  })

  test('of an empty table leaves rows that were added meanwhile; they are replaced, not added to', async () => {
    const { source, destination } = await pair(major, tables('') + newRows, tables("check (v <> 'bad')"))
    await destination.sql("insert into other values (1, 'old')")
    const hooks: NonNullable<CloneTest['hooks']> = [
      {
        when: 'before',
        phase: 'data',
        run: { on: 'destination', sql: "insert into public.big values (5, 'old')" },
      },
    ]
    const run = await clone(source, destination, { options: inParts, confirm: true, hooks })
    expect(failedIn(run, 'big')).toMatch(/The table kept its 1 row\.$/)
    expect(failedIn(run, 'small')).toMatch(/The table is empty\.$/)
    await source.sql("delete from big where v = 'bad'")
    await destination.sql('truncate big')
    const again = await clone(source, destination, { options: inParts, confirm: true, hooks })
    expect(failedIn(again, 'big')).toBeUndefined()
    expect(await count(destination, 'big')).toEqual({ big: 20000 })
  })

  // A superuser's session ignores foreign keys: `parent` is emptied row by row, separately.
  test('of a table that others refer to leaves its rows, and those of the others are replaced', async () => {
    const schema = (limit: string) => `
      create table parent (id int primary key, v text ${limit});
      create table child (id int primary key, parent int references parent on delete cascade);`
    const { source, destination } = await pair(
      major,
      `${schema('')} insert into parent values (1, 'bad'); insert into child values (5, 1), (6, 1);`,
      `${schema("check (v <> 'bad')")} insert into parent values (1, 'old'), (2, 'old'); insert into child values (1, 2);`,
    )
    const run = await clone(source, destination, { options: { dataOnly: true }, confirm: true })
    expect(failedIn(run, 'parent')).toMatch(/The table kept its 2 rows\.$/)
    expect(await count(destination, 'parent', 'child')).toEqual({ parent: 2, child: 2 })
  })

  const related = (limit: string) => `
    create table parent (id int primary key, v text);
    create table child (id int primary key, parent int references parent, v text ${limit});
    create table alone (id int);`
  const newFamily = `insert into parent values (1, 'new'); insert into child values (1, 1, 'bad'); insert into alone values (1), (2);`
  const oldFamily = `insert into parent values (8, 'old'), (9, 'old'); insert into child values (9, 9, 'old'); insert into alone values (9);`

  test('of tables whose foreign keys stay enforced leaves the rows of all of them', async () => {
    const role = await plainRole(from, await cluster(major))
    const { source, destination } = await pair(
      major,
      related('') + newFamily,
      related("check (v <> 'bad')") + oldFamily,
      role,
    )
    const run = (test: CloneTest) =>
      clone(loginOf(source, role), loginOf(destination, role), { confirm: true, ...test })
    const options = { dataOnly: true, disableFk: false }
    const { failures, result, summary } = await run({ options })
    expect(result.status).toBe('completed_with_failures')
    expect(failures.join('\n')).toMatch(
      /violates check constraint.*public.parent kept its 2 rows, public.child kept its 1 row\./,
    )
    expect(summary.tables.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
      'alone completed',
      'child skipped',
      'parent skipped',
    ])
    expect(await count(destination, 'parent', 'child', 'alone')).toEqual({ parent: 2, child: 1, alone: 2 })
    await source.sql("update child set v = 'good'")
    const again = await run({ options: { ...options, verify: true } })
    expect(again.failures).toEqual([])
    expect(again.summary.verification).toMatchObject({ compared: 3, different: [] })
    expect(again.summary.tables.map(({ name, rows }) => `${name} ${rows}`).sort()).toEqual([
      'alone 2',
      'child 1',
      'parent 1',
    ])
  })
})
