// The setup that all benchmarks share: flags, and two servers for the time of a measurement.
import { Option } from 'commander'
import { type Cluster, type Major, majors, startCluster, stopAllClusters } from '../servers/clusters.ts'

export const majorFlag = () =>
  new Option('--major <major>', 'PostgreSQL on both sides').choices(majors.map(String)).default('15')

export const listOf = (text: string): string[] => text.split(',').map((word) => word.trim())

export const numbersOf = (text: string): number[] => listOf(text).map(Number)

/** Nothing is lost in a crash, and checkpoints are rare enough for a large copy. */
export const durableSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  max_wal_size: '16GB',
  checkpoint_timeout: '30min',
}

/** Starts a source and a destination with these settings, and stops them afterwards. */
export async function withServers(
  major: string,
  settings: Record<string, string>,
  measure: (source: Cluster, destination: Cluster) => Promise<void>,
): Promise<void> {
  try {
    const options = { major: Number(major) as Major, settings }
    await measure(await startCluster(options), await startCluster(options))
  } finally {
    await stopAllClusters()
  }
}
