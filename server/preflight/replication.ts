// Existing publications, subscriptions and slots on both servers.

import { say } from '../../shared/say.ts'
import { isOwnPublication } from '../catalog/own.ts'
import { movesAtWork } from '../coordination/lock-holders.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { currentDatabase } from './catalog-sql.ts'
import { type Check, type Finding, findingFor, namesOf, type Remark } from './check.ts'

function subscriptionsOf(session: Session, condition = 'true'): Promise<string[]> {
  return namesOf(
    session,
    `select s.subname as name
       from pg_catalog.pg_subscription s
      where s.subdbid = ${currentDatabase} and ${condition}
      order by 1`,
  )
}

function publicationsOf(session: Session): Promise<string[]> {
  return namesOf(session, 'select p.pubname as name from pg_catalog.pg_publication p order by 1')
}

const subscriptions: Check = {
  id: 'subscriptions',
  title: 'Publications and subscriptions',
  why: say`Subscriptions are created disabled and without a slot: two subscribers of one slot would lose rows.`,
  async look({ source }): Promise<Remark> {
    const [subscriptions, publications, slots] = await Promise.all([
      subscriptionsOf(source),
      publicationsOf(source),
      namesOf(
        source,
        `select slot_name as name
           from pg_catalog.pg_replication_slots
          where slot_type = 'logical' and database = current_database() and not temporary
          order by 1`,
      ),
    ])
    const quoted = (kind: string) => (name: string) => `${kind} ${quoteIdentifierIfNeeded(name)}`
    return findingFor(
      [
        ...subscriptions.map(quoted('subscription')),
        ...publications.filter((name) => !isOwnPublication(name)).map(quoted('publication')),
        ...slots.filter((name) => !isOwnPublication(name)).map((name) => `slot ${name}`),
      ],
      say`the source does not take part in logical replication`,
      {
        status: 'warning',
        found: say`the source takes part in logical replication`,
        todo: say`Plan how its subscribers and its subscriptions continue after the migration: slots are not copied.`,
      },
    )
  },
}

const leftovers: Check = {
  id: 'leftovers',
  title: 'Unused slots of pgtrek',
  why: say`An unused slot retains WAL until the disk of the source is full.`,
  fixable: true,
  async look({ source }): Promise<Finding> {
    const slots = await source.query<{ name: string; database: string; kept: string }>(`
      select slot_name as name, database,
             coalesce(pg_catalog.pg_size_pretty(pg_catalog.pg_wal_lsn_diff(
               case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
                    else pg_catalog.pg_current_wal_lsn() end, restart_lsn)), '0 bytes') as kept
        from pg_catalog.pg_replication_slots
       where slot_type = 'logical' and not active and not temporary and slot_name ~ '^pgtrek_'
       order by 1`)
    // While a move copies or reconnects, its slot is not in use.
    const atWork = await movesAtWork(
      source,
      slots.map(({ name }) => name.replace(/^pgtrek_/, '').replace(/_back$/, '')),
    )
    const idle = slots.filter((_, at) => !atWork[at])
    return findingFor(
      idle.map(({ name, database, kept }) => `slot ${name} in ${database}, which retains ${kept} of WAL`),
      say`none`,
      {
        status: 'warning',
        found: say`slots of pgtrek are not in use`,
        todo: say`Continue the move with "pgtrek follow", or end it with "pgtrek cleanup". If the move no longer exists, drop the slot.`,
        sql: idle.map(({ name, database }) => ({
          end: 'source',
          database: quoteIdentifier(database),
          by: 'a role with REPLICATION or a superuser',
          sql: `select pg_drop_replication_slot(${quoteLiteral(name)})`,
        })),
      },
    )
  },
}

const atDestination: Check = {
  id: 'destination-replication',
  title: 'Publications and subscriptions of the destination',
  why: say`A subscription writes its own rows during the migration, and a publication sends migrated rows to its subscribers.`,
  fixable: true,
  async look({ destination }): Promise<Finding> {
    const [subscriptions, publications] = await Promise.all([
      subscriptionsOf(destination, 's.subenabled'),
      publicationsOf(destination),
    ])
    return findingFor(
      [
        ...subscriptions.map((name) => `subscription ${quoteIdentifierIfNeeded(name)}, enabled`),
        ...publications
          .filter((name) => !isOwnPublication(name))
          .map((name) => `publication ${quoteIdentifierIfNeeded(name)}`),
      ],
      say`none`,
      {
        status: 'warning',
        found: say`the destination takes part in logical replication already`,
        todo: say`Disable its subscriptions for the duration of the migration, and make sure that its subscribers expect these rows.`,
        sql: subscriptions.map((name) => ({
          end: 'destination',
          by: 'the owner of the subscription or a superuser',
          notes: [`afterwards: alter subscription ${quoteIdentifier(name)} enable`],
          sql: `alter subscription ${quoteIdentifier(name)} disable`,
        })),
      },
    )
  },
}

function quoteIdentifierIfNeeded(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : quoteIdentifier(name)
}

export const replicationChecks: readonly Check[] = [subscriptions, leftovers, atDestination]
