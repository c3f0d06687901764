// What following changes needs: settings of the source, a direct connection to it, and rights on the destination.
import { say } from '../../shared/say.ts'
import type { ServerFacts } from '../catalog/server.ts'
import { errorInfo } from '../postgres/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import { checkEchoes } from '../replication/apply/echo.ts'
import { isOriginSafe, positionKindFor } from '../replication/apply/position.ts'
import type { Managed } from '../roles/recognise.ts'
import { type Check, type CheckContext, type Finding, findingFor, passed, type Remark } from './check.ts'
import { firingChecks } from './firing.ts'
import { type Fix, fixes, ownerOf, superuser } from './fix.ts'
import { followedTableChecks } from './followed-tables.ts'
import { type Change, changeSettings, settingOf } from './settings.ts'

const walLevel: Check = {
  id: 'wal-level',
  title: 'wal_level',
  why: say`Following changes needs logical decoding, which requires wal_level = logical.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const level = await settingOf(context.source, 'wal_level')
    if (level === 'logical') return passed(say`logical`)
    const { sql, words } = await logicalLevel(context, 'source')
    return {
      status: 'blocker',
      found: say`it is ${level} on the source`,
      todo: say`Set it to logical and restart the source.${words}`,
      sql,
    }
  },
}

/** The setting with which each provider enables logical decoding, where wal_level itself cannot be set. */
const levelSwitches: Record<string, string> = {
  'Amazon RDS or Aurora': 'rds.logical_replication = 1',
  'Google Cloud SQL': 'cloudsql.logical_decoding = on',
  'Google AlloyDB': 'alloydb.logical_decoding = on',
  Azure: 'wal_level = logical',
  Neon: 'logical replication',
}

async function logicalLevel(context: CheckContext, end: 'source' | 'destination'): Promise<Change> {
  const managed = context.managed[end]
  const provided = managed && levelSwitches[managed.name]
  return provided
    ? { sql: [], words: ` ${say`${managed.name}: set ${provided}, ${managed.settings}.`}` }
    : await changeSettings(context, end, { wal_level: 'logical' })
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
           (select count(*) from pg_catalog.pg_stat_replication)::int         as "usedSenders"`)
}

function describeRoom(room: Room): string {
  return say`${room.usedSlots} of ${room.slots} slots and ${room.usedSenders} of ${room.senders} WAL senders are used`
}

function hasRoom(room: Room): boolean {
  return room.usedSlots < room.slots && room.usedSenders < room.senders
}

function moreRoom(context: CheckContext, end: 'source' | 'destination', room: Room): Promise<Change> {
  return changeSettings(context, end, {
    ...(room.usedSlots >= room.slots && { max_replication_slots: `${room.slots + 4}` }),
    ...(room.usedSenders >= room.senders && { max_wal_senders: `${room.senders + 4}` }),
  })
}

const slots: Check = {
  id: 'replication-slots',
  title: 'Free replication slots and WAL senders',
  why: say`Following uses one slot and one WAL sender on the source.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const room = await readRoom(context.source)
    if (hasRoom(room)) return passed(describeRoom(room))
    const { sql, words } = await moreRoom(context, 'source', room)
    return {
      status: 'blocker',
      found: describeRoom(room),
      todo: say`Drop unused slots, or raise the setting and restart the source.${words}`,
      sql,
    }
  },
}

const right: Check = {
  id: 'replication-right',
  title: 'Right to follow changes',
  why: say`Reading changes requires the attribute REPLICATION; creating a publication requires the right CREATE on the database.`,
  fixable: true,
  followOnly: true,
  async look({ source, facts, publication, managed }): Promise<Finding> {
    const { user, database, databaseOwner } = facts.source
    if (facts.source.superuser) return passed(say`"${user}" is a superuser`)
    const { attribute, provider, create } = await source.one<{
      attribute: boolean
      provider: boolean | null
      create: boolean
    }>(`
      select r.rolreplication as attribute,
             (select pg_catalog.pg_has_role(p.oid, 'member')
                from pg_catalog.pg_roles p where p.rolname = 'rds_replication') as provider,
             pg_catalog.has_database_privilege(current_database(), 'create') as "create"
        from pg_catalog.pg_roles r
       where r.rolname = current_user`)
    const name = quoteIdentifier(user)
    const mayPublish = create || publication !== undefined
    const mayFollow = attribute || provider === true
    const isOutOfReach = managed.source?.isInternal(databaseOwner) ?? false
    const outOfReach =
      !mayPublish && isOutOfReach
        ? say` The database belongs to "${databaseOwner}", a role of the provider: the right to create a publication in it cannot be granted. Let "${managed.source?.admin ?? say`the administrator`}" create the publication (--publication), or connect as that role.`
        : ''
    return findingFor(
      [
        ...(mayFollow ? [] : [say`"${user}" does not have REPLICATION`]),
        ...(mayPublish ? [] : [say`"${user}" may not create a publication in "${database}"`]),
      ],
      say`"${user}" may follow changes`,
      {
        status: 'blocker',
        found: say`"${user}" may not follow changes`,
        todo: managed.source
          ? say`Connect as the owner of the tables, with the right to replication (${managed.source.name}).${outOfReach}`
          : say`Connect as a superuser or as the owner of the tables, with REPLICATION.${outOfReach}`,
        sql: [
          ...(mayFollow ? [] : replicationGrant(name, managed.source, provider !== null)),
          ...(mayPublish || isOutOfReach
            ? []
            : fixes(
                'source',
                ownerOf('the database'),
                `grant create on database ${quoteIdentifier(database)} to ${name}`,
              )),
        ],
      },
    )
  },
}

/** Amazon has a role for the right; elsewhere the administrator's role can set the attribute. */
function replicationGrant(user: string, managed: Managed | undefined, byRole: boolean): Fix[] {
  if (!managed) return fixes('source', superuser, `alter role ${user} replication`)
  const by = managed.admin ? `a member of ${managed.admin}` : "the provider's administrator"
  return fixes('source', by, byRole ? `grant rds_replication to ${user}` : `alter role ${user} replication`)
}

const reach: Check = {
  id: 'replication-reach',
  title: 'Replication connection',
  why: say`pg_hba.conf, a proxy or a pooler may allow queries but not replication.`,
  followOnly: true,
  async look({ source }): Promise<Remark> {
    try {
      await using session = await Session.open(source.settings, { replication: true })
      const { systemid } = await session.one<{ systemid: string }>('IDENTIFY_SYSTEM')
      return passed(say`a test connection succeeded (system ${systemid})`)
    } catch (error) {
      return {
        status: 'blocker',
        found: say`a test connection failed: ${errorInfo(error).message}`,
        todo: say`Allow it in pg_hba.conf (logical replication matches the line of the database, not "replication"), connect without a pooler, and give the role REPLICATION.`,
      }
    }
  },
}

/** Since 15, foreign keys treat moving a row to another partition as an update. */
function movedRows(source: number, destination: number): string {
  return source >= 15 && destination < 15
    ? say` A row that moves to another partition is a conflict while rows of other tables reference it: this destination would delete or change those rows.`
    : ''
}

const applying: Check = {
  id: 'apply-rights',
  title: 'Right to apply changes',
  why: say`Changes are applied with session_replication_role = replica, since triggers and foreign keys have already acted on the source.`,
  fixable: true,
  followOnly: true,
  look({ facts: { source, destination }, managed }: CheckContext): Finding {
    if (destination.mayReplicate) return passed(say`"${destination.user}" may set session_replication_role`)
    const moved = movedRows(source.major, destination.major)
    return {
      status: 'warning',
      found: say`"${destination.user}" may not set session_replication_role on the destination: its triggers and foreign keys fire for every change`,
      todo: managed.destination
        ? say`Connect as an administrator role with this right, if ${managed.destination.name} grants it; otherwise disable triggers that write. Rows that foreign keys with ON DELETE or ON UPDATE actions have already removed or changed are not a conflict if they have a primary key.${moved}`
        : say`Connect as a superuser, or have one grant the right (15 and later); otherwise disable triggers that write. Rows that foreign keys with ON DELETE or ON UPDATE actions have already removed or changed are not a conflict if they have a primary key.${moved}`,
      sql:
        destination.major >= 15 && !managed.destination
          ? fixes(
              'destination',
              superuser,
              `grant set on parameter session_replication_role to ${quoteIdentifier(destination.user)}`,
            )
          : [],
    }
  },
}

const position: Check = {
  id: 'position',
  title: 'Storage of the position',
  why: say`The position is committed together with the changes, so that none is lost and none is applied twice.`,
  fixable: true,
  followOnly: true,
  async look({ destination, facts, managed }): Promise<Finding> {
    const kind = await positionKindFor(destination)
    if (kind === 'origin' && isOriginSafe(destination.major))
      return passed(say`in a replication origin of the destination`)
    const { may, schema, table } = await destination.one<{
      may: boolean
      /** Owners of the existing schema and table. */
      schema: string | null
      table: string | null
    }>(
      `select coalesce(
                -- If the table exists.
                (select pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select')
                        and pg_catalog.has_table_privilege(c.oid, 'insert') and pg_catalog.has_table_privilege(c.oid, 'delete')
                   from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                  where n.nspname = 'pgtrek' and c.relname = 'position'),
                (select pg_catalog.has_schema_privilege(oid, 'create') from pg_catalog.pg_namespace where nspname = 'pgtrek'),
                pg_catalog.has_database_privilege(current_database(), 'create')) as may,
              (select pg_catalog.pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'pgtrek') as schema,
              (select pg_catalog.pg_get_userbyid(c.relowner)
                 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'pgtrek' and c.relname = 'position') as table`,
    )
    if (!may) {
      const isOutOfReach =
        schema === null && (managed.destination?.isInternal(facts.destination.databaseOwner) ?? false)
      return {
        status: 'blocker',
        found: say`"${facts.destination.user}" may not create the schema pgtrek, or use the table position in it, where the position is stored`,
        todo: isOutOfReach
          ? say`The database belongs to a role of the provider (${managed.destination?.name}), and the right cannot be granted: create a database of your own and use it as destination.`
          : schema === null
            ? say`Grant it the right.`
            : say`"${schema}" created it: clean up the move of that role first, or grant the rights on what it owns.`,
        sql: isOutOfReach ? [] : positionGrants(facts.destination, schema, table),
      }
    }
    if (kind === 'origin')
      return passed(say`in the table pgtrek.position of the destination, which the cleanup drops`)
    return {
      status: 'warning',
      found: say`"${facts.destination.user}" may not use replication origins: the position is stored in the table pgtrek.position instead, which the cleanup drops`,
      todo: say`No action is needed.`,
    }
  },
}

function positionGrants(
  { user, database, databaseOwner }: ServerFacts,
  schema: string | null,
  table: string | null,
): Fix[] {
  const name = quoteIdentifier(user)
  if (schema === null) {
    const to = `grant create on database ${quoteIdentifier(database)} to ${name}`
    return fixes('destination', `"${databaseOwner}" or a superuser`, to)
  }
  if (table === null) {
    return fixes(
      'destination',
      `"${schema}" or a superuser`,
      `grant usage, create on schema pgtrek to ${name}`,
    )
  }
  return [
    ...fixes('destination', `"${schema}" or a superuser`, `grant usage on schema pgtrek to ${name}`),
    ...fixes(
      'destination',
      `"${table}" or a superuser`,
      `grant select, insert, update, delete on pgtrek."position" to ${name}`,
    ),
  ]
}

const returning: Check = {
  id: 'way-back',
  title: 'Return after the switchover',
  why: say`After the switchover, changes of the new primary can be applied to the old one, if the new primary allows logical decoding.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const { source, destination, bidirectional } = context
    const [level, room, ...echoes] = await Promise.all([
      settingOf(destination, 'wal_level'),
      readRoom(destination),
      ...(bidirectional ? [checkEchoes(source, 'source'), checkEchoes(destination, 'destination')] : []),
    ])
    const problems = echoes.flat()
    const isFollowable = level === 'logical' && hasRoom(room)
    if (isFollowable && problems.length === 0) {
      return passed(
        bidirectional ? say`both directions can be followed` : say`the destination can be followed, too`,
      )
    }
    const changes = await Promise.all([
      level === 'logical' ? { sql: [], words: '' } : logicalLevel(context, 'destination'),
      moreRoom(context, 'destination', room),
    ])
    const words = changes.map((change) => change.words).join('')
    return {
      status: bidirectional ? 'blocker' : 'warning',
      found: isFollowable
        ? say`own changes could not be distinguished from changes that were applied from the other side`
        : say`on the destination wal_level is ${level}, and ${describeRoom(room)}: it cannot be followed`,
      todo: `${
        bidirectional
          ? say`Both directions need it: change the destination and restart it, or follow one direction only.`
          : say`Change the destination and restart it, or do without a return.`
      }${words}`,
      sql: changes.flatMap(({ sql }) => sql),
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
  returning,
]
