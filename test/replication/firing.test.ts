// Triggers and rules of the destination that also act on applied changes.
import { expect, test } from 'bun:test'
import { Follower } from '../../server/replication/apply/follower.ts'
import { arrival, conflictOf, link } from '../../tools/moves/following.ts'
import { look } from '../preflight/check-context.ts'
import { expectLines, pairWith } from '../support/altered.ts'

test('an ENABLE ALWAYS trigger fires once for each row, and finds tables by the search_path of its database', async () => {
  const table = `
    create type mood as enum ('good', 'bad');
    create table t (id int primary key, v text, m mood default 'good'); alter table t replica identity full`
  // Operators and types with the names of PostgreSQL's own do not affect applied changes.
  const here = `
    create table log (id serial, what text);
    create function note() returns trigger language plpgsql as $$
      begin insert into log (what) values (tg_op); return null; end $$;
    create trigger note after insert or update or delete on t for each row execute function note();
    alter table t enable always trigger note;
    create function never(text, text) returns bool language sql as 'select false';
    create operator = (leftarg = text, rightarg = text, function = never);
    create domain "date" as int`
  const pair = await pairWith(14, 17, table, `${table}; ${here}`)
  await pair.destination.sql(`alter database "${pair.destination.name}" set search_path = public, pg_catalog`)
  const options = await link(pair, { published: [{ schema: 'public', name: 't' }] })
  const follower = await Follower.start(options)
  await pair.source.sql("insert into t select g, 'row ' || g from generate_series(1, 20) g")
  await pair.source.sql("update t set v = v || '!', m = 'bad' where id <= 5; delete from t where id = 1")
  await arrival(follower, pair.source)
  expect(
    await pair.destination.sql('select what, count(*)::int as count from log group by 1 order by 1'),
  ).toEqual([
    { what: 'DELETE', count: 1 },
    { what: 'INSERT', count: 20 },
    { what: 'UPDATE', count: 5 },
  ])
  expect(await pair.destination.sql("select count(*)::int as count from t where m = 'bad'")).toEqual([
    { count: 4 },
  ])
  // The error names the function.
  await pair.destination.sql('alter table log rename to gone')
  const next = await Follower.start(options)
  await pair.source.sql('delete from t where id = 2')
  expect((await conflictOf(next)).problems.join()).toMatch(
    /^relation "log" does not exist; raised by PL\/pgSQL function note\(\)/,
  )
  await pair.destination.sql('alter table gone rename to log')
  next.retry()
  await arrival(next, pair.source)
})

test('preflight names a rule that would act on applied changes, on either side, and following stops', async () => {
  const table = 'create table t (id int primary key, v text); create table log (id int)'
  const rule = `create rule "Note" as on update to t do also insert into log values (new.id);
                alter table t enable always rule "Note"`
  const pair = await pairWith(15, 18, table, `${table}; ${rule}`)
  const here = await look(pair.source.url, pair.destination.url, { follow: true })
  expect(here.item('replica-rules')).toMatchObject({
    status: 'blocker',
    objects: ['"Note" on public.t of the destination'],
    sql: [
      '-- on the destination, as the owner of the table or a superuser\nalter table public.t enable rule "Note"',
    ],
  })
  const there = await look(pair.destination.url, pair.source.url, { follow: true })
  expect(there.item('replica-rules')).toMatchObject({ status: 'blocker', objects: ['"Note" on public.t'] })
  const follower = await Follower.start(await link(pair))
  await pair.source.sql("insert into t values (1, 'one')")
  await pair.source.sql("update t set v = 'two'")
  const { problems } = await conflictOf(follower)
  expectLines(problems, [/rule "Note" of the destination's table .* disable rule "Note"/])
  await pair.destination.sql('alter table t enable rule "Note"')
  follower.retry()
  await arrival(follower, pair.source)
  expect(await pair.destination.sql('select v, (select count(*)::int from log) as log from t')).toEqual([
    { v: 'two', log: 0 },
  ])
})
