// What following changes needs of the source, of its tables, and of the destination.
import { errorInfo } from '../postgres/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import {
  type Check,
  type Finding,
  fine,
  isExtensions,
  isUsers,
  namesOf,
  qualifiedName,
  type Sight,
  unless,
} from './check.ts'

const walLevel: Check = {
  id: 'wal-level',
  title: 'wal_level',
  why: 'Changes can be followed only when the write-ahead log has what logical decoding needs.',
  followOnly: true,
  async look({ source }) {
    const level = await settingOf(source, 'wal_level')
    return level === 'logical'
      ? fine('logical')
      : {
          status: 'fail',
          found: `it is ${level} on the source`,
          todo: 'Set it to logical and restart the source (with providers: rds.logical_replication, cloudsql.logical_decoding, azure.replication_support).',
          sql: ["alter system set wal_level = 'logical'"],
        }
  },
}

const slots: Check = {
  id: 'replication-slots',
  title: 'Free replication slots and WAL senders',
  why: 'Following takes one slot and one WAL sender on the source.',
  followOnly: true,
  async look({ source }): Promise<Finding> {
    const row = await source.one<{ slots: number; usedSlots: number; senders: number; usedSenders: number }>(`
      select current_setting('max_replication_slots')::int                     as slots,
             (select count(*) from pg_catalog.pg_replication_slots)::int       as "usedSlots",
             current_setting('max_wal_senders')::int                           as senders,
             (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'walsender')::int as "usedSenders"`)
    const found = `${row.usedSlots} of ${row.slots} slots and ${row.usedSenders} of ${row.senders} WAL senders are used`
    const sql = [
      ...(row.usedSlots < row.slots ? [] : [`alter system set max_replication_slots = ${row.slots + 4}`]),
      ...(row.usedSenders < row.senders ? [] : [`alter system set max_wal_senders = ${row.senders + 4}`]),
    ]
    return sql.length === 0
      ? fine(found)
      : {
          status: 'fail',
          found,
          todo: 'Drop slots that nobody uses, or raise the setting and restart the source.',
          sql,
        }
  },
}

const retention: Check = {
  id: 'wal-retention',
  title: 'How long changes are kept',
  why: 'While the copy runs the source keeps all changes for us: too little room ends the slot, no limit can fill its disk.',
  followOnly: true,
  async look({ source }): Promise<Finding> {
    const timeout = await settingOf(source, 'wal_sender_timeout')
    const { milliseconds } = await source.one<{ milliseconds: number }>(
      "select setting::float8 as milliseconds from pg_catalog.pg_settings where name = 'wal_sender_timeout'",
    )
    if (milliseconds > 0 && milliseconds < 10_000) {
      return {
        status: 'warn',
        found: `wal_sender_timeout is ${timeout} on the source: a short pause ends the stream`,
        todo: 'Raise it for the time of the move.',
        sql: ["alter system set wal_sender_timeout = '60s'", 'select pg_reload_conf()'],
      }
    }
    const limit = await settingOf(source, 'max_slot_wal_keep_size')
    if (limit === null) return fine('without limit (PostgreSQL 12): watch the disk of the source')
    return limit === '-1'
      ? { status: 'ok', found: 'without limit', todo: "Watch the source's disk while the copy runs." }
      : {
          status: 'warn',
          found: `max_slot_wal_keep_size is ${limit} on the source: when more than that was written before we read it, all begins anew`,
          todo: 'Raise it to what is written during the copy, as far as the disk allows.',
          sql: ['alter system set max_slot_wal_keep_size = -1', 'select pg_reload_conf()'],
        }
  },
}

const right: Check = {
  id: 'replication-right',
  title: 'Right to follow',
  why: 'Reading the stream needs the attribute REPLICATION, and publishing a table needs to own it.',
  followOnly: true,
  async look({ source, facts }): Promise<Finding> {
    const { user, superuser, database } = facts.source
    if (superuser) return fine(`"${user}" is a superuser`)
    const { attribute, provider, create } = await source.one<{
      attribute: boolean
      provider: boolean
      create: boolean
    }>(`
      select r.rolreplication as attribute,
             exists (select from pg_catalog.pg_roles p
                      where p.rolname = 'rds_replication' and pg_catalog.pg_has_role(p.oid, 'member')) as provider,
             pg_catalog.has_database_privilege(current_database(), 'create') as "create"
        from pg_catalog.pg_roles r
       where r.rolname = current_user`)
    const tables = await namesOf(source, followedTables("not pg_catalog.pg_has_role(c.relowner, 'usage')"))
    const name = quoteIdentifier(user)
    const sql = [
      ...(attribute || provider ? [] : [`alter role ${name} replication`]),
      ...(create ? [] : [`grant create on database ${quoteIdentifier(database)} to ${name}`]),
    ]
    const objects = [
      ...(attribute || provider ? [] : [`"${user}" has no REPLICATION`]),
      ...(create ? [] : [`"${user}" may not create a publication in "${database}"`]),
      ...tables.map((table) => `"${user}" does not own ${table}`),
    ]
    return unless(objects, `"${user}" may`, {
      status: 'fail',
      found: `"${user}" may not follow everything`,
      todo: 'Connect as a superuser or as the owner of the tables, with REPLICATION.',
      sql,
    })
  },
}

const reach: Check = {
  id: 'replication-reach',
  title: 'Connection for replication',
  why: 'pg_hba.conf, a proxy or a pooler may let queries through and replication not.',
  followOnly: true,
  async look({ source }): Promise<Finding> {
    try {
      await using session = await Session.open(source.settings, { replication: true })
      const { systemid } = await session.one<{ systemid: string }>('IDENTIFY_SYSTEM')
      return fine(`tried, and it works (system ${systemid})`)
    } catch (error) {
      return {
        status: 'fail',
        found: `tried, and refused: ${errorInfo(error).message}`,
        todo: 'Allow it in pg_hba.conf (for logical replication the line is that of the database, not "replication"), connect without a pooler, and give the role REPLICATION.',
      }
    }
  },
}

const identity: Check = {
  id: 'replica-identity',
  title: 'Keys of the tables',
  why: 'Once a table without usable replica identity is published, the source itself refuses its UPDATEs and DELETEs.',
  followOnly: true,
  async look({ source }): Promise<Finding> {
    const tables = await namesOf(
      source,
      followedTables(`c.relreplident <> 'f'
          and not exists (select from pg_catalog.pg_index i
                           where i.indrelid = c.oid and i.indisvalid and i.indimmediate
                             and case c.relreplident when 'd' then i.indisprimary
                                                     when 'i' then i.indisreplident else false end)`),
    )
    return unless(tables, 'every table has one', {
      status: 'fail',
      found: 'tables without a primary key or another replica identity',
      todo: 'Give them a primary key, name a unique index over NOT NULL columns, or let whole rows identify themselves (slow for big tables).',
      sql: tables.map((name) => `alter table ${name} replica identity full`),
    })
  },
}

const applying: Check = {
  id: 'apply-rights',
  title: 'Right to apply changes',
  why: 'Changes are applied as a replica: triggers and foreign keys have done their work on the source already.',
  followOnly: true,
  look({ facts: { destination } }: Sight): Finding {
    if (destination.mayReplicate) return fine(`"${destination.user}" may set session_replication_role`)
    return {
      status: 'fail',
      found: `"${destination.user}" may not set session_replication_role on the destination`,
      todo: 'Connect as a superuser, or (15 and later) let one grant it.',
      sql:
        destination.major >= 15
          ? [`grant set on parameter session_replication_role to ${quoteIdentifier(destination.user)}`]
          : [],
    }
  },
}

const triggers: Check = {
  id: 'replica-triggers',
  title: 'Triggers that run for replicated rows too',
  why: 'ENABLE ALWAYS and ENABLE REPLICA make a trigger run for rows that are applied, a second time.',
  followOnly: true,
  async look({ source }) {
    const found = await namesOf(
      source,
      `select pg_catalog.quote_ident(t.tgname) || ' on ' || ${qualifiedName} as name
         from pg_catalog.pg_trigger t
         join pg_catalog.pg_class c on c.oid = t.tgrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where t.tgenabled in ('A', 'R') and not t.tgisinternal and ${isUsers}
        order by 1`,
    )
    return unless(found, 'there are none', {
      status: 'warn',
      found: 'such triggers will run on the destination for every change',
      todo: 'See that what they do may be done twice, or disable them on the destination until the switchover.',
    })
  },
}

/** Tables whose changes are in the stream. */
function followedTables(condition: string): string {
  return `
    select ${qualifiedName} as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r'
       and c.relpersistence = 'p'
       and ${isUsers}
       and not ${isExtensions('pg_class', 'c.oid')}
       and ${condition}
     order by 1`
}

async function settingOf(session: Session, name: string): Promise<string | null> {
  const { value } = await session.one<{ value: string | null }>(
    `select current_setting('${name}', true) as value`,
  )
  return value
}

export const followChecks = [walLevel, slots, retention, right, reach, identity, applying, triggers]
