// What would keep changes from being followed, found before anything is made on either side.
// https://www.postgresql.org/docs/current/logical-replication-config.html
import type { Session } from '../postgres/session.ts'
import { readDestinationTables, type TableId, tableKey } from './destination-tables.ts'
import { positionKindFor } from './position.ts'
import { type PublishedTable, publicationSince } from './publication.ts'
import { readFollowedTables } from './source-tables.ts'

export interface Finding {
  /** `error`: following cannot work or would lose changes. `warning`: good to know. */
  level: 'error' | 'warning'
  side: 'source' | 'destination'
  table?: TableId
  problem: string
  advice: string
}

export interface PreflightOptions {
  tables: readonly PublishedTable[]
  /** Slots and walsenders that will be needed at the same time: two more while rows are copied. */
  slots?: number
  /** Tables without a usable replica identity are only inserted into; the user said so. */
  insertsOnly?: readonly TableId[]
}

export async function checkSource(session: Session, options: PreflightOptions): Promise<Finding[]> {
  const [server, tables] = [
    await checkSourceServer(session, options),
    await checkSourceTables(session, options),
  ]
  return [...server, ...tables]
}

async function checkSourceServer(
  session: Session,
  { tables, slots = 1 }: PreflightOptions,
): Promise<Finding[]> {
  const findings: Finding[] = []
  const error = (problem: string, advice: string) =>
    findings.push({ level: 'error', side: 'source', problem, advice })
  const row = await session.one<{
    walLevel: string
    maxSlots: number
    slots: number
    maxSenders: number
    senders: number
    inRecovery: boolean
    mayReplicate: boolean
    mayCreate: boolean
    keepLimit: string | null
  }>(`
    select current_setting('wal_level')                                as "walLevel",
           current_setting('max_replication_slots')::int               as "maxSlots",
           (select count(*) from pg_catalog.pg_replication_slots)::int as slots,
           current_setting('max_wal_senders')::int                     as "maxSenders",
           (select count(*) from pg_catalog.pg_stat_activity
             where backend_type = 'walsender')::int                    as senders,
           pg_catalog.pg_is_in_recovery()                              as "inRecovery",
           r.rolsuper or r.rolreplication                              as "mayReplicate",
           pg_catalog.has_database_privilege(current_database(), 'create') as "mayCreate",
           nullif(current_setting('max_slot_wal_keep_size', true), '-1') as "keepLimit"
      from pg_catalog.pg_roles r
     where r.rolname = current_user`)
  if (row.walLevel !== 'logical') {
    error(
      `wal_level is ${row.walLevel}`,
      'alter system set wal_level = logical, then restart the server (managed services have a switch for it, as rds.logical_replication)',
    )
  }
  if (row.maxSlots - row.slots < slots) {
    error(
      `${row.slots} of ${row.maxSlots} replication slots are in use, ${slots} more are needed`,
      'raise max_replication_slots and restart, or drop a slot that nobody uses',
    )
  }
  if (row.maxSenders - row.senders < slots) {
    error(
      `${row.senders} of ${row.maxSenders} walsenders are busy, ${slots} more are needed`,
      'raise max_wal_senders and restart',
    )
  }
  if (!row.mayReplicate) error('the role has no REPLICATION right', 'alter role ... replication')
  if (!row.mayCreate && tables.length > 0) {
    error(
      'the role may not create a publication in this database',
      'grant create on database ... to it, or name a publication that is there',
    )
  }
  if (row.inRecovery && session.major < 16) {
    error('the source is a standby', `PostgreSQL ${session.major} sends changes only from the primary`)
  } else if (row.inRecovery) {
    error('the source is a standby', 'a publication can only be made on the primary: connect to that')
  }
  if (row.keepLimit !== null) {
    findings.push({
      level: 'warning',
      side: 'source',
      problem: `max_slot_wal_keep_size is ${row.keepLimit}`,
      advice: 'when following falls behind by more, the server gives up the slot and everything starts anew',
    })
  }
  return findings
}

async function checkSourceTables(session: Session, options: PreflightOptions): Promise<Finding[]> {
  const findings: Finding[] = []
  const facts = await readFollowedTables(session)
  const insertsOnly = new Set((options.insertsOnly ?? []).map(tableKey))
  for (const wanted of options.tables) {
    const table: TableId = { schema: wanted.schema, name: wanted.name }
    const name = `${table.schema}.${table.name}`
    const say = (level: Finding['level'], problem: string, advice: string) =>
      findings.push({ level, side: 'source', table, problem, advice })
    const fact = facts.get(tableKey(table))
    if (!fact) {
      say('error', `there is no table ${name}`, 'check the selection')
      continue
    }
    if (fact.kind === 'f')
      say(
        'error',
        `${name} is a foreign table`,
        'its rows are elsewhere: leave it out, copy it without following',
      )
    if (fact.persistence === 'u')
      say('error', `${name} is unlogged, so its changes are not in the log`, `alter table ${name} set logged`)
    if (fact.kind === 'p' && session.major < publicationSince.partitioned) {
      say(
        'error',
        `PostgreSQL ${session.major} publishes partitions only`,
        `follow the partitions of ${name} instead`,
      )
    }
    if (!fact.owned) say('error', `${name} belongs to another role`, 'only its owner can publish it')
    if ((wanted.where || wanted.columns) && session.major < publicationSince.filters) {
      say(
        'error',
        `PostgreSQL ${session.major} cannot send some rows or columns of ${name}`,
        'follow it whole, or copy it without following',
      )
    }
    for (const [place, identity] of fact.identities) {
      if (identity !== 'none' || insertsOnly.has(tableKey(table))) continue
      say(
        'error',
        `${place} has no usable replica identity, so updates and deletes would fail on the source`,
        `give it a primary key; or alter table ${place} replica identity using index ... (unique, not null); ` +
          `or alter table ${place} replica identity full; or follow it for inserts only`,
      )
    }
    if (fact.identities.some(([, identity]) => identity === 'full')) {
      say(
        'warning',
        `${name} is identified by all of its columns`,
        'updates and deletes look for the row without a key: slow where the table is large',
      )
    }
    if (fact.unsent.length > 0) {
      say(
        'error',
        `rows of ${name} are told apart by ${fact.unsent.join(', ')}, which PostgreSQL ${session.major} computes and cannot send`,
        `alter table ${name} replica identity using index ... of a unique index over other columns; or follow it for inserts only`,
      )
    }
    if (fact.generated.length > 0) {
      say(
        'warning',
        `${name} has generated columns (${fact.generated.join(', ')}), which are not sent`,
        'the destination computes them: it must have the same expressions',
      )
    }
  }
  return findings
}

export async function checkDestination(session: Session, { tables }: PreflightOptions): Promise<Finding[]> {
  const findings: Finding[] = []
  const say = (level: Finding['level'], problem: string, advice: string, table?: TableId) =>
    findings.push({ level, side: 'destination', problem, advice, ...(table && { table }) })
  const { inRecovery, replica } = await session.one<{ inRecovery: boolean; replica: boolean }>(`
    select pg_catalog.pg_is_in_recovery() as "inRecovery",
           rolsuper ${session.major >= 15 ? "or pg_catalog.has_parameter_privilege('session_replication_role', 'set')" : ''} as replica
      from pg_catalog.pg_roles
     where rolname = current_user`)
  if (inRecovery) say('error', 'the destination is a standby', 'connect to its primary')
  if (!replica) {
    say(
      'warning',
      'the role may not set session_replication_role',
      'triggers and foreign keys of the destination fire for every change: disable triggers that write, or ' +
        'grant set on parameter session_replication_role (15 and later)',
    )
  }
  if ((await positionKindFor(session)) === 'table') {
    say(
      'warning',
      'the role may not use replication origins',
      'the position is kept in a table pgtrek.position instead; it goes with the cleanup',
    )
  }
  const there = await readDestinationTables(session, tables)
  for (const table of tables) {
    if (there.has(tableKey(table))) continue
    say('warning', `${table.schema}.${table.name} is not there yet`, 'its schema has to be copied first', {
      schema: table.schema,
      name: table.name,
    })
  }
  return findings
}
