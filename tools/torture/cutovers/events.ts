// What users and programs do to a database around its switchover, at any moment.
import type { Sql } from 'postgres'
import { type Random, seeded } from '../../random.ts'
import type { TestDatabase } from '../../servers/clusters.ts'
import { applicationRole, startWriter } from './application.ts'
import type { Running } from './commands.ts'

export interface Scene {
  source: TestDatabase
  destination: TestDatabase
  follower: Running
  random: Random
  /** Starts pgtrek with the same two databases, in the directory of the move or in another one. */
  start(command: readonly string[], where: 'here' | 'elsewhere'): Running
  /** It is disposed of at the end of the round. */
  keep(thing: AsyncDisposable): void
  /** Runs at the end of the round, after the switchover: open transactions are committed then. */
  atEnd(work: () => Promise<void>): void
}

type Event = (scene: Scene) => Promise<unknown>

/** Changes of the schema, by its owner; refused while the database is read-only. */
const statements: Record<string, string> = {
  'rename within a transaction': `begin; alter table account rename to account_tmp;
    update account_tmp set balance = balance + 1000 where id <= 5; delete from account_tmp where id = 6;
    alter table account_tmp rename to account; commit`,
  'set schema within a transaction': `begin; alter table spare set schema other;
    update other.spare set note = 'elsewhere' where id <= 3; alter table other.spare set schema public; commit`,
  'rename there and back': `alter table account rename to away;
    update away set balance = balance + 7; alter table away rename to account`,
  'rename that stays': 'alter table spare rename to spare_renamed',
  'two tables swapped': `begin; create table spare_new (like spare including all);
    insert into spare_new select id, note || ' swapped' from spare;
    alter table spare rename to spare_old; alter table spare_new rename to spare;
    grant all on spare to ${applicationRole}; commit`,
  'a column added': 'alter table spare add column extra int',
  'a column added and written': `alter table spare add column extra int default 7; update spare set extra = id`,
  'a column dropped': 'alter table spare drop column note',
  'a column renamed': 'alter table spare rename column note to remark',
  'a new table with rows': `create table fresh (id int primary key, v text);
    insert into fresh select g, 'fresh' from generate_series(1, 1000) g`,
  'a new table without rows': 'create table empty_one (id int primary key)',
  'a new schema': 'create schema brand_new; create table brand_new.inside (id int primary key)',
  'a new sequence': `create sequence counter; select nextval('counter')`,
  'a new view, function and index': `create view glance as select id from spare;
    create function answer_of_app() returns int language sql as 'select 1'; create index account_balance on account (balance)`,
  'a table dropped': 'drop table spare',
  'a table made again under its name': `begin; drop table spare;
    create table spare (id int primary key, note text); insert into spare values (1, 'again'); commit`,
  'a truncate': 'truncate loose',
  'a new partition': `create table sales_3 partition of sales for values in (3); insert into sales values (1, 3, 'new')`,
  'a partition detached': 'alter table sales detach partition sales_2',
  'a filled partition attached': `create table sales_4 (id int, region int, note text, primary key (id, region));
    insert into sales_4 select g, 4, 'attached' from generate_series(1, 50) g;
    alter table sales attach partition sales_4 for values in (4)`,
  'odd names written': `update "Odd ""one" set "select" = 'written'`,
}

function ownerDoes(text: string): Event {
  return async ({ source }) => {
    const session = source.connect({ mayEnd: true })
    try {
      await session.unsafe(`set lock_timeout = '3s'; set role ${await ownerOf(session)}; ${text}`)
    } catch {
      // After a refusal the database is as before.
    } finally {
      await session.end()
    }
  }
}

async function ownerOf(session: Sql): Promise<string> {
  const [row] = await session<{ owner: string }[]>`
    select datdba::regrole::text as owner from pg_database where datname = current_database()`
  return row?.owner ?? 'postgres'
}

/** It has written, or will write just before it ends. */
function openTransaction(hasWritten: boolean, user: string): Event {
  return async ({ source, random, atEnd }) => {
    const session = source.connect({ user, mayEnd: true })
    const write = `insert into entry (writer, number, note) values (${90 + random.below(9)}, ${random.below(1e6)}, 'open')`
    try {
      await session.unsafe(`begin; select count(*) from account; ${hasWritten ? write : ''}`)
    } catch {
      await session.end()
      return
    }
    let isOver = false
    const commit = async () => {
      if (isOver) return
      isOver = true
      // It may have been ended or refused by now.
      await session.unsafe(`${hasWritten ? '' : `${write};`} commit`).catch(() => {})
      await session.end({ timeout: 1 })
    }
    // In some rounds it ends at any moment by itself; otherwise it lasts longer than the switchover.
    if (random.chance(0.5)) setTimeout(() => void commit(), random.below(3000))
    atEnd(commit)
  }
}

function lateWriter(insists: boolean): Event {
  return async ({ source, random, keep }) => {
    const writer = 50 + random.below(40)
    keep(startWriter(source, writer, seeded(writer), { insists }))
  }
}

/** Only the effect of another command on the move is checked, not its output or exit code. */
function command(words: readonly string[], where: 'here' | 'elsewhere' = 'here'): Event {
  return async ({ start, keep }) => keep(start(words, where))
}

export const events: Record<string, Event> = {
  ...Object.fromEntries(Object.entries(statements).map(([name, text]) => [name, ownerDoes(text)])),
  'a transaction that has written is open': openTransaction(true, applicationRole),
  'a transaction that will write is open': openTransaction(false, applicationRole),
  "a superuser's transaction is open": openTransaction(true, 'postgres'),
  'a writer that does not stop': lateWriter(false),
  'a writer that insists': lateWriter(true),
  'a prepared transaction': async ({ source, atEnd }) => {
    const name = `p${source.name}`
    await ownerDoes(`begin; insert into account values (900, 0); prepare transaction '${name}'`)({
      source,
    } as Scene)
    atEnd(async () => {
      await source.sql(`commit prepared '${name}'`).catch(() => {})
    })
  },
  'a second switchover': command(['switchover']),
  'a second move from elsewhere': command(['clone', '--follow', '--yes', '--truncate'], 'elsewhere'),
  'a second follower from elsewhere': command(['follow'], 'elsewhere'),
  'a clone from elsewhere': command(['clone', '--yes', '--truncate'], 'elsewhere'),
  'a pause': command(['pause']),
  'a resume': command(['resume']),
  'a look': command(['status']),
  'the follower is killed': async ({ follower }) => follower.kill(),
  'the sender is ended': async ({ source }) => {
    await source.sql(
      `select pg_terminate_backend(pid) from pg_stat_replication join pg_replication_slots on active_pid = pid
        where database = current_database()`,
    )
  },
  'our sessions on the destination are ended': async ({ destination }) => {
    await destination.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    )
  },
}
