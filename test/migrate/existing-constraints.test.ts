// Foreign keys and triggers that the destination has before the run.
import { describe, expect, test } from 'bun:test'
import { type CloneTest, clone } from '../../tools/moves/clone.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { pair } from './pair.ts'

const family = `
  create table parent (id int primary key, v text);
  create table child (id int primary key, parent int constraint belongs references parent on delete cascade);
  comment on constraint belongs on child is 'a family';
  create table log (what text);
  create function note() returns trigger language plpgsql as
    'begin insert into public.log values (tg_table_name); return new; end';
  create trigger noted after insert on child for each row execute function note();
  create trigger always after insert on child for each row execute function note();
  alter table child enable always trigger always;
  create trigger off after insert on child for each row execute function note();
  alter table child disable trigger off;`
const familyRows = `
  alter table child disable trigger all;
  insert into parent values (1, 'new'), (2, 'new'); insert into child values (1, 1), (2, 2);`

async function familyState(database: TestDatabase) {
  const [state] = await database.sql(`
    select (select json_agg(tgname || ' ' || tgenabled::text order by tgname) from pg_trigger where not tgisinternal) as triggers,
           (select json_agg(conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid)
                            || ' ' || obj_description(oid, 'pg_constraint')) from pg_constraint where contype = 'f' and conrelid = 'child'::regclass) as keys,
           (select count(*)::int from log) as logged`)
  return state
}

const familyAsBefore = {
  triggers: ['always A', 'noted O', 'off D'],
  keys: ['belongs true FOREIGN KEY (parent) REFERENCES parent(id) ON DELETE CASCADE a family'],
  logged: 0,
}

describe('existing foreign keys and triggers', () => {
  const old = `insert into parent values (9, 'old'); set session_replication_role = replica;
               alter table child disable trigger always; insert into child values (9, 9);
               alter table child enable always trigger always;`

  test('do not act on the copied rows, and are restored', async () => {
    const { source, destination } = await pair(family + familyRows, family + old)
    const { failures, result } = await clone(source, destination, {
      options: { dataOnly: true },
      confirm: true,
    })
    expect(failures).toEqual([])
    expect(result.status).toBe('completed')
    expect(await destination.sql('select id from child order by id')).toEqual([{ id: 1 }, { id: 2 }])
    expect(await familyState(destination)).toEqual(familyAsBefore)
  })

  test('that do not hold afterwards are named', async () => {
    const { source, destination } = await pair(
      `${family.replace(/constraint belongs references parent on delete cascade/, '').replace(/comment on constraint.*;/, '')}
       ${familyRows} insert into child values (3, 77);`,
      family,
    )
    const { failures } = await clone(source, destination, { options: { dataOnly: true } })
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(
      /CHECK FOREIGN KEY public.belongs: 1 row references rows that public.parent does not have/,
    )
  })

  test('of tables that are left out keep their rows: nothing is emptied by CASCADE', async () => {
    const { source, destination } = await pair(
      family + familyRows.replace("(1, 'new')", "(9, 'new')").replace('(1, 1)', '(1, 9)'),
      family + old,
    )
    const { failures } = await clone(source, destination, {
      options: { dataOnly: true },
      selection: { include: ['parent'] },
      confirm: true,
    })
    expect(failures).toEqual([])
    expect(await destination.sql('select id, parent from child')).toEqual([{ id: 9, parent: 9 }])
    expect(await destination.sql('select id, v from parent order by id')).toEqual([
      { id: 2, v: 'new' },
      { id: 9, v: 'new' },
    ])
    expect(await familyState(destination)).toEqual(familyAsBefore)
  })

  test('that stay enforced order the tables; a cycle is reported', async () => {
    const circle = `create table a (id int primary key, b int); create table b (id int primary key, a int references a);
                    alter table a add constraint ab foreign key (b) references b;`
    const { source, destination } = await pair(
      `${family} ${familyRows} ${circle} insert into a values (1, null); insert into b values (1, 1);`,
      family + circle,
    )
    const { failures, summary } = await clone(source, destination, {
      options: { dataOnly: true, disableFk: false },
    })
    expect(failures.filter((line) => !/^ROWS public\.[ab]: /.test(line))).toEqual([])
    expect(await destination.sql('select id from child order by id')).toEqual([{ id: 1 }, { id: 2 }])
    expect(await familyState(destination)).toEqual(familyAsBefore)
    expect(summary.warnings.join('\n')).toMatch(/foreign keys form a cycle/)
  })
})

describe('an owner who is no superuser', () => {
  async function asOwner(test: CloneTest, destinationRows: string, broken = false) {
    const { source, destination } = await pair('', '')
    const role = `owner_${crypto.randomUUID().slice(0, 8)}`
    for (const database of [source, destination]) {
      await database.sql(`create role ${role} login password 'secret'; grant all on schema public to ${role};
                          grant all on database "${new URL(database.url).pathname.slice(1)}" to ${role}`)
    }
    const login = (database: TestDatabase) => {
      const url = new URL(database.url)
      url.username = role
      url.password = 'secret'
      return { url: url.href }
    }
    await source.sql(
      `set role ${role}; ${family} ${familyRows.replace('disable trigger all', 'disable trigger user')}`,
    )
    if (broken)
      await source.sql('alter table child drop constraint belongs; insert into child values (3, 77)')
    await destination.sql(`set role ${role}; ${family} ${destinationRows}`)
    return { destination, run: await clone(login(source), login(destination), test) }
  }

  test('gets foreign keys dropped and created again, triggers disabled and enabled, as they were', async () => {
    const { destination, run } = await asOwner(
      { options: { dataOnly: true }, confirm: true },
      "insert into parent values (9, 'old')",
    )
    expect(run.failures).toEqual([])
    expect(await destination.sql('select id from child order by id')).toEqual([{ id: 1 }, { id: 2 }])
    expect(await familyState(destination)).toEqual(familyAsBefore)
  })

  test('gets a report of a foreign key that does not hold any more, which is restored without validation', async () => {
    const { destination, run } = await asOwner({ options: { dataOnly: true } }, '', true)
    expect(run.failures).toHaveLength(1)
    expect(run.failures[0]).toMatch(
      /foreign key "belongs" of public.child could not be restored.*violates foreign key/,
    )
    const state = await familyState(destination)
    expect(state).toMatchObject({ triggers: familyAsBefore.triggers })
    expect((state as { keys: string[] }).keys[0]).toStartWith('belongs false FOREIGN KEY')
  })
})

const tree = `
  create table many (id int primary key) partition by range (id);
  create table few partition of many for values from (0) to (100) partition by range (id);
  create table fewer partition of few default;
  create table referring (id int primary key, a int constraint of_tree references many);
  create table parts (id int, a int constraint parts_of_tree references many, b int constraint of_plain references referring)
    partition by list (id);
  create table part partition of parts default;`

test.each([15, 18] as const)(
  'foreign keys to partitioned tables are valid with all their parts, on %d',
  async (major) => {
    const source = await (await cluster(15)).createDatabase()
    await source.sql(`${tree} insert into many values (1); insert into referring values (1, 1);
    insert into parts values (1, 1, 1)`)
    const copied = await (await cluster(major)).createDatabase()
    const there = await (await cluster(major)).createDatabase()
    await there.sql(tree)
    const keys = `select conrelid::regclass::text as "table", confrelid::regclass::text as referenced, convalidated as validated
                  from pg_constraint where contype = 'f' order by 1, 2`
    expect((await clone(source, copied)).failures).toEqual([])
    expect((await clone(source, there, { options: { dataOnly: true } })).failures).toEqual([])
    for (const destination of [copied, there])
      expect(await destination.sql(keys)).toEqual(await source.sql(keys))
  },
)

test('a foreign key to a partitioned table that was not valid is restored as such', async () => {
  const old = await cluster(15)
  const [source, destination] = [await old.createDatabase(), await old.createDatabase()]
  await source.sql(`${tree} insert into many values (1)`)
  await destination.sql(`${tree.replace('constraint of_tree references many', '')} insert into referring values (7, 7);
    alter table referring add constraint of_tree foreign key (a) references many not valid`)
  const { failures } = await clone(source, destination, { options: { dataOnly: true }, confirm: true })
  expect(failures).toEqual([])
  const key = "select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 'of_tree'"
  expect(await destination.sql(key)).toEqual([
    { definition: 'FOREIGN KEY (a) REFERENCES many(id) NOT VALID' },
  ])
})
