// The sessions of a run hold a shared advisory lock as its mark. After a kill, the next run finds the sessions that
// are left by this mark and ends them (coordination/run-sessions.ts).

/** "pgtr": a class of advisory locks that no other program is likely to use. */
export const markClass = 0x70677472

export function markOf(run: string): number {
  return Bun.hash.crc32(run) | 0
}

export function markStatement(mark: number): string {
  return `select pg_catalog.pg_advisory_lock_shared(${markClass}, ${mark})`
}
