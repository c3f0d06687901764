// How many workers, how much memory, how large a part: from what the servers say and what the user asked.
import type { MigrationOptions } from '../../shared/request.ts'
import type { Inventory } from './inventory.ts'

export interface Sizes {
  copyWorkers: number
  indexWorkers: number
  splitBytes: number
  maintenanceWorkMemKb: number
  parallelMaintenanceWorkers: number
}

const mostCopyWorkers = 8
const usualIndexWorkers = 4
const smallestSplit = 64 * 1024 * 1024
const largestMaintenanceKb = 2 * 1024 * 1024
const smallestMaintenanceKb = 64 * 1024

/** Sessions of ours besides the workers': catalogs and pg_dump on the source, DDL on the destination. */
const ownSourceSessions = 2
const ownDestinationSessions = 1

export function chooseSizes(inventory: Inventory, options: MigrationOptions): Sizes {
  const { source, destination, tables } = inventory
  const splitBytes = options.splitBytes || smallestSplit
  // A table in parts keeps as many workers busy as it has parts.
  const jobs = tables.reduce((sum, table) => sum + Math.max(1, Math.ceil(table.bytes / splitBytes)), 0)
  const indexWorkers = options.indexWorkers || usualIndexWorkers
  const free = Math.min(
    source.freeConnections - ownSourceSessions,
    destination.freeConnections - ownDestinationSessions - indexWorkers,
  )
  const wanted = options.workers || Math.min(Math.max(jobs, 1), mostCopyWorkers)
  return {
    copyWorkers: Math.max(1, Math.min(wanted, free)),
    indexWorkers: Math.max(1, Math.min(indexWorkers, destination.freeConnections - 2)),
    splitBytes,
    maintenanceWorkMemKb: options.maintenanceWorkMemKb || maintenanceMemory(inventory, indexWorkers),
    parallelMaintenanceWorkers:
      options.parallelMaintenanceWorkers >= 0
        ? options.parallelMaintenanceWorkers
        : destination.maxParallelMaintenanceWorkers,
  }
}

/**
 * A server does not say how much memory its machine has. shared_buffers is usually a quarter of it: all
 * builds together take as much again, and never less than the server's own setting for one.
 */
function maintenanceMemory({ destination }: Inventory, builds: number): number {
  const each = Math.floor(destination.sharedBuffersKb / builds)
  const own = destination.maintenanceWorkMemKb
  return Math.max(own, Math.min(largestMaintenanceKb, Math.max(smallestMaintenanceKb, each)))
}
