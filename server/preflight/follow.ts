// What following changes needs of the source's server, of the connection to it, and of the destination.
import { errorInfo } from '../postgres/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import { checkEchoes } from '../replication/echo.ts'
import { isOriginSafe, positionKindFor } from '../replication/position.ts'
import { type Check, type Finding, fine, type Sight, unless } from './check.ts'
import { firingChecks } from './firing.ts'
import { followedTableChecks } from './followed-tables.ts'
import { settingOf } from './traffic.ts'

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
          status: 'blocker',
          found: `it is ${level} on the source`,
          todo: 'Set it to logical and restart the source (with providers: rds.logical_replication, cloudsql.logical_decoding, azure.replication_support).',
          sql: ["alter system set wal_level = 'logical'"],
        }
  },
}

interface Room {
  slots: number
  usedSlots: number
  senders: number
  usedSenders: number
}

async function readRoom(session: Session): Promise<Room> {
  return await session.one<Room>(`
    select current_setting('max_replication_slots')::int                     as slots,
           (select count(*) from pg_catalog.pg_replication_slots)::int       as "usedSlots",
           current_setting('max_wal_senders')::int                           as senders,
           (select count(*) from pg_catalog.pg_stat_activity where backend_type = 'walsender')::int as "usedSenders"`)
}

function describeRoom(room: Room): string {
  return `${room.usedSlots} of ${room.slots} slots and ${room.usedSenders} of ${room.senders} WAL senders are used`
}

function moreRoom(room: Room): string[] {
  return [
    ...(room.usedSlots < room.slots ? [] : [`alter system set max_replication_slots = ${room.slots + 4}`]),
    ...(room.usedSenders < room.senders ? [] : [`alter system set max_wal_senders = ${room.senders + 4}`]),
  ]
}

const slots: Check = {
  id: 'replication-slots',
  title: 'Free replication slots and WAL senders',
  why: 'Following takes one slot and one WAL sender on the source.',
  followOnly: true,
  async look({ source }): Promise<Finding> {
    const room = await readRoom(source)
    const sql = moreRoom(room)
    return sql.length === 0
      ? fine(describeRoom(room))
      : {
          status: 'blocker',
          found: describeRoom(room),
          todo: 'Drop slots that nobody uses, or raise the setting and restart the source.',
          sql,
        }
  },
}

const right: Check = {
  id: 'replication-right',
  title: 'Right to follow',
  why: 'Reading the stream needs the attribute REPLICATION, and a publication the right to create in the database.',
  followOnly: true,
  async look({ source, facts, publication }): Promise<Finding> {
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
    const name = quoteIdentifier(user)
    const mayPublish = create || publication !== undefined
    return unless(
      [
        ...(attribute || provider ? [] : [`"${user}" has no REPLICATION`]),
        ...(mayPublish ? [] : [`"${user}" may not create a publication in "${database}"`]),
      ],
      `"${user}" may`,
      {
        status: 'blocker',
        found: `"${user}" may not follow`,
        todo: 'Connect as a superuser or as the owner of the tables, with REPLICATION.',
        sql: [
          ...(attribute || provider ? [] : [`alter role ${name} replication`]),
          ...(mayPublish ? [] : [`grant create on database ${quoteIdentifier(database)} to ${name}`]),
        ],
      },
    )
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
        status: 'blocker',
        found: `tried, and refused: ${errorInfo(error).message}`,
        todo: 'Allow it in pg_hba.conf (for logical replication the line is that of the database, not "replication"), connect without a pooler, and give the role REPLICATION.',
      }
    }
  },
}

/** From 15 on foreign keys take a row that goes to another partition for an update. */
function movedRows(source: number, destination: number): string {
  return source >= 15 && destination < 15
    ? ' A row that goes to another partition is a conflict while rows of other tables refer to it: this destination would delete or change them.'
    : ''
}

const applying: Check = {
  id: 'apply-rights',
  title: 'Right to apply changes',
  why: 'Changes are applied as a replica: triggers and foreign keys have done their work on the source already.',
  followOnly: true,
  look({ facts: { source, destination } }: Sight): Finding {
    if (destination.mayReplicate) return fine(`"${destination.user}" may set session_replication_role`)
    return {
      status: 'warning',
      found: `"${destination.user}" may not set session_replication_role on the destination: its triggers and foreign keys fire for every change`,
      todo: `Connect as a superuser, or (15 and later) let one grant it; otherwise disable triggers that write. Rows that foreign keys with ON DELETE or ON UPDATE actions have removed or changed already are no conflict where they have a primary key.${movedRows(source.major, destination.major)}`,
      sql:
        destination.major >= 15
          ? [`grant set on parameter session_replication_role to ${quoteIdentifier(destination.user)}`]
          : [],
    }
  },
}

const position: Check = {
  id: 'position',
  title: 'Where the position is kept',
  why: 'How far changes were applied is committed with them, so that none is lost and none comes twice.',
  followOnly: true,
  async look({ destination, facts }): Promise<Finding> {
    const kind = await positionKindFor(destination)
    if (kind === 'origin' && isOriginSafe(destination.major))
      return fine('in a replication origin of the destination')
    const { may, database } = await destination.one<{ may: boolean; database: string }>(
      `select coalesce(
                -- As somebody has made it.
                (select pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select')
                        and pg_catalog.has_table_privilege(c.oid, 'insert') and pg_catalog.has_table_privilege(c.oid, 'delete')
                   from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                  where n.nspname = 'pgtrek' and c.relname = 'position'),
                (select pg_catalog.has_schema_privilege(oid, 'create') from pg_catalog.pg_namespace where nspname = 'pgtrek'),
                pg_catalog.has_database_privilege(current_database(), 'create')) as may,
              current_database() as database`,
    )
    if (!may) {
      return {
        status: 'blocker',
        found: `"${facts.destination.user}" may not create the schema pgtrek, or use the table position in it, where the position is kept`,
        todo: 'Grant it the right; where another role has made the schema, clean up its move first, or grant what that role owns:',
        sql: [
          `grant create on database ${quoteIdentifier(database)} to ${quoteIdentifier(facts.destination.user)}`,
        ],
      }
    }
    if (kind === 'origin')
      return fine('in a table pgtrek.position of the destination, which goes with the cleanup')
    return {
      status: 'warning',
      found: `"${facts.destination.user}" may not use replication origins: the position is kept in a table pgtrek.position instead, which goes with the cleanup`,
      todo: 'Nothing has to be done.',
    }
  },
}

const wayBack: Check = {
  id: 'way-back',
  title: 'A way back',
  why: 'After the switchover changes of the new server can be followed to the old one, as far as the new one lets them be read.',
  followOnly: true,
  async look({ source, destination, bidirectional }): Promise<Finding> {
    const [level, room, ...echoes] = await Promise.all([
      settingOf(destination, 'wal_level'),
      readRoom(destination),
      ...(bidirectional ? [checkEchoes(source, 'source'), checkEchoes(destination, 'destination')] : []),
    ])
    const problems = echoes.flat()
    const sql = [
      ...(level === 'logical' ? [] : ["alter system set wal_level = 'logical'"]),
      ...moreRoom(room),
    ]
    if (sql.length === 0 && problems.length === 0) {
      return fine(bidirectional ? 'both directions can be followed' : 'the destination can be followed, too')
    }
    return {
      status: bidirectional ? 'blocker' : 'warning',
      found:
        sql.length === 0
          ? 'changes could not be told from their echoes'
          : `on the destination wal_level is ${level}, and ${describeRoom(room)}: it cannot be followed`,
      todo: bidirectional
        ? 'Both directions need it: change it on the destination and restart that, or follow one direction only.'
        : 'Change it on the destination and restart that, or do without a way back.',
      sql,
      objects: problems.map(({ side, problem, advice }) => `${side}: ${problem} (${advice})`),
    }
  },
}

export const followChecks: readonly Check[] = [
  walLevel,
  slots,
  right,
  reach,
  ...followedTableChecks,
  ...firingChecks,
  applying,
  position,
  wayBack,
]
