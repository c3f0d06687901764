// Tables, schemas and columns that are renamed on one side or both: the message has the SQL or the command that resolves
// it, and the test runs it.
import { expect, test } from 'bun:test'
import { compareRows } from '../../tools/comparison/compare.ts'
import { eventually } from '../../tools/eventually.ts'
import { casesOf } from '../../tools/long.ts'
import { type Moving, move } from '../../tools/moves/follow-run.ts'
import { cluster, type Major } from '../../tools/servers/clusters.ts'

const logical = { settings: { wal_level: 'logical' } }

interface Renaming {
  source?: string
  destination?: string
  /** The final name of the table on the source. */
  now: string
}

/** Each in its own schema, with a table t. */
const renamings: Record<string, Renaming> = {
  source: { source: 'alter table source.t rename to t2', now: 'source.t2' },
  destination: { destination: 'alter table destination.t rename to t2', now: 'destination.t' },
  same: {
    source: 'alter table same.t rename to "T 2"',
    destination: 'alter table same.t rename to "T 2"',
    now: 'same."T 2"',
  },
  differently: {
    source: 'alter table differently.t rename to t2',
    destination: 'alter table differently.t rename to t3',
    now: 'differently.t2',
  },
  schema_source: { source: 'alter schema schema_source rename to ss', now: 'ss.t' },
  schema_destination: {
    destination: 'alter schema schema_destination rename to sd',
    now: 'schema_destination.t',
  },
  schema_both: {
    source: 'alter schema schema_both rename to sb',
    destination: 'alter schema schema_both rename to sb',
    now: 'sb.t',
  },
  schema_and_table: {
    source: 'alter schema schema_and_table rename to st; alter table st.t rename to t2',
    now: 'st.t2',
  },
  moved: { source: 'alter table moved.t set schema public', now: 'public.t' },
  moved_away: {
    source: 'create schema elsewhere; alter table moved_away.t set schema elsewhere',
    now: 'elsewhere.t',
  },
  moved_here: {
    destination: 'create schema away; alter table moved_here.t set schema away',
    now: 'moved_here.t',
  },
}

const tables = Object.keys(renamings)
  .map(
    (schema) => `create schema ${schema}; create table ${schema}.t (id int primary key, v text);
      insert into ${schema}.t select g, 'v' from generate_series(1, 3) g;`,
  )
  .join('')

const write = (number: number) =>
  Object.values(renamings)
    .map(
      ({ now }) =>
        `insert into ${now} values (${number}, 'new'); update ${now} set v = v || '!' where id = 1;`,
    )
    .join('')

const isReady = (moving: Moving) => moving.until('the light', ({ ready }) => ready.green)
const isNotReady = async (moving: Moving, words: RegExp) => {
  const { ready } = await moving.until(String(words), ({ ready }) =>
    ready.reasons.some((reason) => words.test(reason)),
  )
  return ready.reasons.flatMap((reason) => words.exec(reason)?.[1] ?? [])[0] ?? ''
}

const orders = casesOf<['source' | 'destination', Major, Major]>(
  [['source', 15, 18]],
  [
    ['destination', 12, 17],
    ['destination', 18, 14],
  ],
)

for (const [first, from, to] of orders) {
  test(`different names, the ${first} first, from ${from} to ${to}: every row is applied, and the SQL of the message resolves it`, async () => {
    const source = await (await cluster(from, logical)).createDatabase()
    const destination = await (await cluster(to, logical)).createDatabase()
    await source.sql(tables)
    await using moving = move({ source, destination }, { verifyWhileFollowing: false })
    await moving.untilStreaming()
    const second = first === 'source' ? 'destination' : 'source'
    for (const [side, database] of [
      [first, first === 'source' ? source : destination],
      [second, second === 'source' ? source : destination],
    ] as const) {
      for (const one of Object.values(renamings)) if (one[side]) await database.sql(one[side])
    }
    await source.sql(write(10))
    await moving.restart()
    await source.sql(write(11))
    await isNotReady(moving, /names differ/)
    // Nothing has to be retried or applied.
    expect(await moving.run.act({ type: 'retry' })).toMatchObject({ ok: false })
    const done = new Set<string>()
    const differing = async () => {
      const reasons = moving.run.view().ready.reasons.filter((reason) => reason.includes('names differ'))
      for (const [, sql = ''] of reasons.flatMap((reason) => [
        /On the destination run: (.*)$/.exec(reason) ?? [],
      ])) {
        if (!done.has(sql)) await destination.sql(sql)
        done.add(sql)
      }
      return reasons
    }
    await eventually('the same names', differing, (reasons) => reasons.length === 0)
    await source.sql(write(12))
    await moving.until('the light', ({ ready, warnings }) => {
      const untrue = warnings.find((words) => /table .* is missing|constraint .* is missing/.test(words))
      if (untrue) throw new Error(`the table is there under another name: ${untrue}`)
      return ready.green
    })
    expect((await moving.switchover()).error).toBeUndefined()
    expect(await compareRows(source, destination)).toEqual([])
  })
}

test('renamed columns, and tables dropped on one side: the message says how to continue', async () => {
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await (await cluster(18, logical)).createDatabase()
  const names = ['by_source', 'by_destination', 'by_both', 'gone_there', 'gone_here', 'again', 'hidden']
  await source.sql(
    names
      .map(
        (name) => `create table ${name} (id int primary key, a text); insert into ${name} values (1, 'one');`,
      )
      .join(''),
  )
  await using moving = move({ source, destination }, { verifyWhileFollowing: false })
  await moving.untilStreaming()
  const inConflict = (words: string) =>
    moving.until(words, ({ streams }) => streams[0]?.status.conflict?.message.includes(words) ?? false)
  const act = async (action: Parameters<Moving['run']['act']>[0]) =>
    expect(await moving.run.act(action)).toMatchObject({ ok: true })
  const recopied = async (name: string) => {
    await act({ type: 'recopy', tables: [name] })
    await moving.until('the end of copying anew', ({ recopy }) => recopy?.state === 'done')
  }

  await source.sql("alter table by_source rename a to b; insert into by_source values (2, 'two')")
  await inConflict('the destination lacks column b, which the source has')
  await act({ type: 'apply_schema' })
  await destination.sql(await isNotReady(moving, /no longer needed, run: (alter table .* drop column "a")/))

  await destination.sql('alter table by_destination rename a to b')
  await source.sql("insert into by_destination values (2, 'two')")
  await inConflict('the destination lacks column a, which the source has')
  await destination.sql(await isNotReady(moving, /run instead: (alter table .* rename column "b" to "a")/))
  await act({ type: 'retry' })

  for (const side of [destination, source]) await side.sql('alter table by_both rename a to b')
  await source.sql("insert into by_both values (2, 'two')")
  await isReady(moving)

  await source.sql('drop table gone_there')
  await destination.sql(await isNotReady(moving, /dropped on the source. .* too: (drop table .*)$/))
  await isReady(moving)

  await destination.sql('drop table gone_here')
  await source.sql("insert into gone_here values (2, 'two')")
  await inConflict('"pgtrek recopy public.gone_here" creates it and copies its rows')
  await isNotReady(moving, /public.gone_here is followed, .* run "pgtrek recopy public.gone_here"/)
  await recopied('gone_here')

  await source.sql(
    "drop table again; create table again (id int primary key, a text); insert into again values (7, 'new')",
  )
  await isNotReady(moving, /public.again is not followed.* "pgtrek recopy public.again" copies this one/)
  await recopied('again')
  await isReady(moving)

  // Then only the names show which table is which.
  await destination.sql('alter table hidden rename to found')
  moving.store.forget(moving.run.name)
  await moving.restart()
  await isNotReady(
    moving,
    /public.hidden is followed, .* If it has another name there, rename it to this one/,
  )
  await source.sql("insert into hidden values (2, 'two')")
  await inConflict('if it has another name there, rename it and retry')
  expect((await moving.run.act({ type: 'apply_schema' })).message).toContain(
    'if it has another name there, rename it',
  )
  await destination.sql('alter table found rename to hidden')
  await act({ type: 'retry' })
  await moving.until('no conflict', ({ state }) => state === 'running')
  expect((await moving.switchover()).error).toBeUndefined()
  expect(await compareRows(source, destination)).toEqual([])
})
