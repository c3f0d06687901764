// Frees memory immediately after a phase that used much of it. Otherwise that would happen late, and the next phase
// would add to it. docs/performance.md has the memory that a run needs.

/** From this number of objects on (entries of a dump, steps of a plan) a collection is worth its time. */
export const manyObjects = 5000

/** Collects after each `every` small objects. */
export function collectEach(every: number, count: number): void {
  if (count % every === 0) Bun.gc(true)
}

/** Collects after one large object. For smaller ones it would take longer than it is worth. */
export function collectAbove(limit: number, size: number): void {
  if (size > limit) Bun.gc(true)
}
