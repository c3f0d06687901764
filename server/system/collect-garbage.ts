// Memory is given back at once where much was read or made: by itself that happens late, and the next phase begins on
// top of it. docs/performance.md has what a run takes.

/** Entries of a dump, steps of a plan: fewer are not worth it. */
export const manyObjects = 5000

/** After each `every` of many small things. */
export function collectEach(every: number, count: number): void {
  if (count % every === 0) Bun.gc(true)
}

/** After one large thing; cleaning up behind smaller ones takes longer than it is worth. */
export function collectAbove(limit: number, size: number): void {
  if (size > limit) Bun.gc(true)
}
