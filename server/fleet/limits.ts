// The limits of one copy, so that all copies together stay within the limits of the instance.
import type { FleetConfig, FleetMapping } from '../../shared/fleet.ts'
import type { MigrationOptions } from '../../shared/request.ts'

export function transferAlone(config: FleetConfig, mapping: FleetMapping): Partial<MigrationOptions> {
  const { bytesPerSecond, connections, tables } = { ...config.limits, ...mapping.limits }
  const atOnce = Math.min(mapping.atOnce, config.atOnce)
  const workers = Math.min(
    connections === undefined ? Number.POSITIVE_INFINITY : Math.floor(connections / atOnce),
    tables ?? Number.POSITIVE_INFINITY,
  )
  return {
    ...(bytesPerSecond ? { maxBytesPerSecond: Math.max(1, Math.floor(bytesPerSecond / atOnce)) } : {}),
    ...(Number.isFinite(workers) && { workers: Math.max(1, workers) }),
  }
}
