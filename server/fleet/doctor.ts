// Preflight checks of a fleet: of every mapping and database. Nothing is changed.

import { defaultOptions } from '../../shared/defaults.ts'
import type { FleetConfig, FleetMapping } from '../../shared/fleet.ts'
import type {
  FleetDatabaseReport,
  FleetMappingReport,
  FleetPreflightReport,
  PreflightItem,
} from '../../shared/preflight.ts'
import { Cancelled, errorInfo } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, serverName } from '../postgres/settings.ts'
import { type Check, namesOf } from '../preflight/check.ts'
import { checks } from '../preflight/checks.ts'
import { preflight, worst } from '../preflight/preflight.ts'
import { managedBy } from '../roles/recognise.ts'
import { makingItem, rolesItem } from './doctor-instance.ts'
import {
  chosenDatabases,
  type DestinationState,
  type InstanceDatabase,
  instanceSettings,
  listDatabases,
  ofDatabase,
  readDestinationState,
} from './instance.ts'
import { transferAlone } from './limits.ts'

export interface FleetDoctor {
  config: FleetConfig
  signal: AbortSignal
  /** Called as soon as the report of a mapping is complete. */
  onMapping?: (mapping: FleetMappingReport) => void
}

export async function fleetPreflight({
  config,
  signal,
  onMapping,
}: FleetDoctor): Promise<FleetPreflightReport> {
  const mappings: FleetMappingReport[] = []
  for (const mapping of config.mappings) {
    const report = await lookAtMapping(config, mapping, signal)
    mappings.push(report)
    onMapping?.(report)
  }
  return { status: worst(mappings), mappings }
}

interface Instances {
  source: ConnectionSettings
  destination: ConnectionSettings
}

async function lookAtMapping(
  config: FleetConfig,
  mapping: FleetMapping,
  signal: AbortSignal,
): Promise<FleetMappingReport> {
  const instances = { source: instanceSettings(mapping.source), destination: instanceSettings(mapping.dest) }
  const named = {
    name: mapping.name,
    source: serverName(instances.source),
    destination: serverName(instances.destination),
  }
  try {
    await using source = await Session.open(instances.source, { signal })
    await using instance = await Session.open(instances.destination, { signal })
    const { roles } = mapping
    const items =
      roles === 'none' ? [] : [await rolesItem(roles, instances, await isManaged(instance), signal)]
    const databases: FleetDatabaseReport[] = []
    for (const database of chosenDatabases(await listDatabases(source), mapping)) {
      databases.push(await lookAtDatabase({ config, mapping, instances, instance, signal }, database))
    }
    return { ...named, status: worst([...items, ...databases]), items, databases }
  } catch (error) {
    if (signal.aborted) throw new Cancelled()
    return { ...named, status: 'blocker', items: [], databases: [], error: errorInfo(error) }
  }
}

async function isManaged(instance: Session): Promise<boolean> {
  const { superuser } = await instance.one<{ superuser: boolean }>(
    'select rolsuper as superuser from pg_catalog.pg_roles where rolname = current_user',
  )
  return (
    !superuser &&
    managedBy(await namesOf(instance, 'select rolname as name from pg_catalog.pg_roles')) !== undefined
  )
}

interface Surroundings {
  config: FleetConfig
  mapping: FleetMapping
  instances: Instances
  /** A session on the destination instance. */
  instance: Session
  signal: AbortSignal
}

async function lookAtDatabase(
  { config, mapping, instances, instance, signal }: Surroundings,
  database: InstanceDatabase,
): Promise<FleetDatabaseReport> {
  const { name } = database
  const destination = ofDatabase(instances.destination, name)
  try {
    const arrival = await readDestinationState(destination, instance)
    const making = await makingItem(instance, database, arrival)
    const isCopied = ['copied', 'switched', 'returned', 'complete'].includes(arrival)
    // Databases that are copied need no checks, and databases of others are not touched.
    const isToCome = !isCopied && arrival !== 'occupied'
    const items = isToCome ? await itemsOf() : []
    const all = [making, ...items]
    return { name, status: worst(all), arrival, items: all }

    async function itemsOf(): Promise<PreflightItem[]> {
      const { items } = await preflight({
        source: ofDatabase(instances.source, name),
        // A database that is missing will be created like the source's; checks of its content are skipped.
        destination: arrival === 'missing' ? instances.destination : destination,
        follow: mapping.follow,
        options: { ...defaultOptions, ...transferAlone(config, mapping), ...mapping.options },
        chosen: checks.filter((check) => isMeant(check, mapping, arrival)),
        signal,
      })
      return items
    }
  } catch (error) {
    if (signal.aborted) throw new Cancelled()
    return { name, status: 'blocker', arrival: null, items: [], error: errorInfo(error) }
  }
}

/** Checks of the content and the owner of a destination database. */
const ofDestinationDatabase = new Set([
  'same-database',
  'encoding',
  'collation',
  'destination-rights',
  'database-owner',
  'destination-replication',
  'existing-objects',
  'event-triggers',
  'large-objects',
])
/** Checks of rows left by an interrupted copy, which is repeated. */
const ofLeftRows = new Set(['existing-objects', 'large-objects'])

function isMeant({ id }: Check, { roles }: FleetMapping, arrival: DestinationState): boolean {
  // Roles are migrated before the databases.
  if (id === 'roles' && roles !== 'none') return false
  if (arrival === 'copying' && ofLeftRows.has(id)) return false
  return arrival !== 'missing' || !ofDestinationDatabase.has(id)
}
