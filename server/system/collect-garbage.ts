// Memory in which a large database was read is given back before the run begins.

/** Cleaning up behind fewer takes longer than it is worth. */
const manyEntries = 5000

/** Reading and planning leave more behind than is kept, at the time when most is needed. */
export function cleanUp(entries: readonly unknown[]) {
  if (entries.length > manyEntries) Bun.gc(true)
}
