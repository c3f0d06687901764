// The number of workers, their memory and the size of parts, from the servers' settings and the user's options.

import type { MigrationOptions } from '../../../shared/request.ts'
import { partCount } from '../../copy/parts.ts'
import {
  mostCopyWorkers,
  ownDestinationSessions,
  ownSourceSessions,
  usualIndexWorkers,
  workersForParts,
} from '../../copy/worker-counts.ts'
import type { Inventory } from '../inventory/types.ts'

export interface Sizes {
  copyWorkers: number
  indexWorkers: number
  splitBytes: number
  maintenanceWorkMemKb: number
  parallelMaintenanceWorkers: number
}

const smallestSplit = 64 * 1024 * 1024
const largestMaintenanceKb = 2 * 1024 * 1024
const smallestMaintenanceKb = 64 * 1024

export function chooseSizes(inventory: Inventory, options: MigrationOptions): Sizes {
  const { source, destination, tables } = inventory
  const splitBytes = options.splitBytes || smallestSplit
  // One worker for each table; the parts of large tables keep a few more busy.
  const parts = tables.reduce((sum, table) => sum + partCount(table.bytes, splitBytes), 0)
  const busy = Math.max(tables.length, Math.min(parts, workersForParts), 1)
  const indexWorkers = options.indexWorkers || usualIndexWorkers
  const free = Math.min(
    source.freeConnections - ownSourceSessions,
    destination.freeConnections - ownDestinationSessions - indexWorkers,
  )
  const wanted = options.workers || Math.min(busy, mostCopyWorkers)
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
 * A server does not report the memory of its machine. shared_buffers is usually a quarter of it: all builds together
 * get as much again, and each at least the server's own setting.
 */
function maintenanceMemory({ destination }: Inventory, builds: number): number {
  const each = Math.floor(destination.sharedBuffersKb / builds)
  const own = destination.maintenanceWorkMemKb
  return Math.max(own, Math.min(largestMaintenanceKb, Math.max(smallestMaintenanceKb, each)))
}
