// The sessions of a run carry its mark, an advisory lock that excludes nobody: should the run be killed, the
// next one finds what it has left behind on the server and ends it (coordination/run-sessions.ts).

/** "pgtr": whatever else takes advisory locks there, takes others. */
export const markClass = 0x70677472

export function markOf(run: string): number {
  return Bun.hash.crc32(run) | 0
}

export function markStatement(mark: number): string {
  return `select pg_catalog.pg_advisory_lock_shared(${markClass}, ${mark})`
}
