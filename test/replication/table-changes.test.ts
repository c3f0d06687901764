// Partitions and tables that are created, dropped or renamed while they are followed.
import { describe, expect, test } from 'bun:test'
import { applySchemaChanges } from '../../server/replication/apply/apply-schema-changes.ts'
import { Follower } from '../../server/replication/apply/follower.ts'
import { showSchemaChanges } from '../../server/replication/tables/schema-changes.ts'
import { findUnfollowed } from '../../server/replication/tables/unfollowed.ts'
import { arrival, compareFollowed, conflictOf, inSession, link } from '../../tools/moves/following.ts'
import { expectLines, followed, pairWith, propose } from '../support/altered.ts'

const table =
  "create table t (id int primary key, v varchar(10)); insert into t values (1, 'one'), (2, 'two')"

const tree = `
  create table part (id int, region int, v text, primary key (id, region)) partition by list (region);
  create table part_1 partition of part for values in (1);
  create table part_2 partition of part for values in (2);
  insert into part values (1, 1, 'one'), (2, 2, 'two')`

describe('partitions', () => {
  for (const viaRoot of [false, true]) {
    test(`a new one, published ${viaRoot ? 'as its root' : 'by itself'}`, async () => {
      const pair = await pairWith(14, 18, tree)
      const { follower, options } = await followed(pair, viaRoot)
      await pair.source.sql('create table part_3 partition of part for values in (3, 4)')
      await pair.source.sql(
        "insert into part values (3, 3, 'three'), (4, 4, 'four'); update part set region = 3 where id = 1",
      )
      const name = (await conflictOf(follower)).table?.name ?? ''
      expect(name).toBe(viaRoot ? 'part' : 'part_3')
      const changes = await propose(pair, name)
      expectLines(showSchemaChanges(changes), [
        'create table "public"."part_3" partition of "public"."part" FOR VALUES IN (3, 4);',
      ])
      expectLines(changes.remarks, [/part_3 is a new partition: rows that were in it before/])
      await applySchemaChanges({ ...options, changes })
      follower.retry()
      await arrival(follower, pair.source)
      expect(await compareFollowed(pair)).toEqual([])
    })
  }

  test('a column that is added to all of them, with values of older rows in each', async () => {
    const pair = await pairWith(18, 14, tree)
    const { follower, options } = await followed(pair)
    await pair.source.sql('alter table part add extra float8 default random()')
    await pair.source.sql("insert into part values (3, 2, 'three')")
    await conflictOf(follower)
    const changes = await propose(pair, 'part_2')
    await applySchemaChanges({ ...options, changes })
    follower.retry()
    await arrival(follower, pair.source)
    expect(await compareFollowed(pair)).toEqual([])
  })

  test('a detached one, and one that is attached with rows, are reported', async () => {
    const pair = await pairWith(18, 14, tree)
    const { follower, events } = await followed(pair)
    await pair.source.sql(`
      alter table part detach partition part_2;
      create table part_5 (id int, region int, v text, primary key (id, region));
      insert into part_5 values (5, 5, 'before');
      alter table part attach partition part_5 for values in (5)`)
    const changes = await propose(pair, 'part')
    expectLines(showSchemaChanges(changes), [/create table "public"."part_5" partition of/])
    expectLines(changes.remarks, [
      /part_5 is a new partition: rows that were in it before it was attached .* have to be copied/,
      /part_2 is no longer a partition on the source.* detach partition "public"."part_2"$/,
    ])
    await follower.stop()
    expect(events.filter(({ type }) => type === 'follow_conflict')).toEqual([])
    const followedTables = ['part_1', 'part_2'].map((name) => ({ schema: 'public', name }))
    const found = await inSession(pair.source, (session) =>
      findUnfollowed(session, { publication: follower.options.publication, followed: followedTables }),
    )
    expect(found.map(({ table, kind }) => [table.name, kind])).toEqual([['part_2', 'not_published']])
  })
})

describe('tables that are created and dropped', () => {
  test('are reported: new ones, renamed ones, dropped ones, and partitions that are not sent', async () => {
    const pair = await pairWith(
      12,
      18,
      `${tree}; create table a (id int primary key); create table b (id int primary key)`,
    )
    const options = await link(pair)
    await pair.source.sql(`
      create table fresh (id int primary key); create temporary table fleeting (id int);
      create schema elsewhere; create table elsewhere.c (id int);
      create table part_3 partition of part for values in (3);
      alter table a rename to renamed; drop table b`)
    const found = await inSession(pair.source, (session) =>
      findUnfollowed(session, { publication: options.publication, followed: options.tables ?? [] }),
    )
    expect(found.map(({ table, kind }) => [table.name, kind]).sort()).toEqual([
      ['a', 'gone'],
      ['b', 'gone'],
      ['fresh', 'new'],
      ['part_3', 'new_partition'],
      ['renamed', 'new'],
    ])
  })

  test('a dropped one is reported, and the others are still followed', async () => {
    const pair = await pairWith(14, 18, `${table}; create table other (id int primary key)`)
    const { follower, options } = await followed(pair)
    await pair.source.sql('drop table other')
    await pair.source.sql("insert into t values (3, 'three')")
    await arrival(follower, pair.source)
    const warnings: string[] = []
    const again = await Follower.start({
      ...options,
      onEvent: (event) => event.type === 'follow_warning' && warnings.push(event.message),
    })
    await again.stop()
    expectLines(warnings, [/public.other is not published any more/])
  })
})
