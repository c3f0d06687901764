// The default numbers of workers and sessions of a copy.

/**
 * More workers than this machine has cores slow a copy down (measured with both servers on the same machine). Two are
 * always faster than one: one writes while the other waits.
 */
export const mostCopyWorkers = Math.min(8, Math.max(2, navigator.hardwareConcurrency))
export const workersForParts = Math.min(4, mostCopyWorkers)
export const usualIndexWorkers = 4
/** Sessions of ours besides the workers': catalogs, pg_dump and sequences on the source, the run's locks on the destination. */
export const ownSourceSessions = 3
export const ownDestinationSessions = 1
