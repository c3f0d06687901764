// The difference of two texts by lines, with context: E. W. Myers, "An O(ND) Difference Algorithm".

/** Lines of a unified diff; empty if the texts are equal. */
export function textDifference(before: string, after: string): string[] {
  if (before === after) return []
  const [old, now] = [before.split('\n'), after.split('\n')]
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start++
  let same = 0
  while (
    same < old.length - start &&
    same < now.length - start &&
    old[old.length - 1 - same] === now[now.length - 1 - same]
  )
    same++
  const middle = edits(old.slice(start, old.length - same), now.slice(start, now.length - same))
  return withContext([...old.slice(0, start).map(keep), ...middle, ...old.slice(old.length - same).map(keep)])
}

type Edit = { mark: ' ' | '-' | '+'; line: string }

const keep = (line: string): Edit => ({ mark: ' ', line })
const remove = (line: string): Edit => ({ mark: '-', line })
const add = (line: string): Edit => ({ mark: '+', line })

// Texts with more differences have little in common, and the work grows with the square.
const mostEdits = 2000

function edits(old: string[], now: string[]): Edit[] {
  // For each number of edits, how far each diagonal reaches in `old`.
  const reached: Map<number, number>[] = []
  let furthest = new Map([[1, 0]])
  for (let count = 0; count <= Math.min(mostEdits, old.length + now.length); count++) {
    const next = new Map<number, number>()
    for (let diagonal = -count; diagonal <= count; diagonal += 2) {
      const down = furthest.get(diagonal + 1) ?? -1
      const right = furthest.get(diagonal - 1) ?? -1
      let x = diagonal === -count || (diagonal !== count && right < down) ? down : right + 1
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x++
      next.set(diagonal, x)
      if (x >= old.length && x - diagonal >= now.length) return walkBack(old, now, [...reached, next])
    }
    reached.push(next)
    furthest = next
  }
  return [...old.map(remove), ...now.map(add)]
}

function walkBack(old: string[], now: string[], reached: Map<number, number>[]): Edit[] {
  const backwards: Edit[] = []
  let [x, y] = [old.length, now.length]
  for (let count = reached.length - 1; count > 0; count--) {
    const furthest = reached[count - 1] ?? new Map<number, number>()
    const diagonal = x - y
    const [down, right] = [furthest.get(diagonal + 1) ?? -1, furthest.get(diagonal - 1) ?? -1]
    const isAddition = diagonal === -count || (diagonal !== count && right < down)
    const from = isAddition ? down : right
    const steps = isAddition ? x - from : x - from - 1
    for (let step = 0; step < steps; step++) backwards.push(keep(old[--x] ?? ''))
    y = from - (isAddition ? diagonal + 1 : diagonal - 1)
    backwards.push(isAddition ? add(now[y] ?? '') : remove(old[from] ?? ''))
    x = from
  }
  while (x > 0) backwards.push(keep(old[--x] ?? ''))
  return backwards.reverse()
}

const around = 2

function withContext(all: Edit[]): string[] {
  const lines: string[] = []
  let [oldLine, newLine, shownUpTo] = [0, 0, 0]
  // The distance to the next change, computed backwards.
  const untilChange = all.map(() => Number.POSITIVE_INFINITY)
  for (let i = all.length - 1, distance = Number.POSITIVE_INFINITY; i >= 0; i--) {
    distance = all[i]?.mark === ' ' ? distance + 1 : 0
    untilChange[i] = distance
  }
  let sinceChange = Number.POSITIVE_INFINITY
  all.forEach(({ mark, line }, i) => {
    if (mark !== '+') oldLine++
    if (mark !== '-') newLine++
    sinceChange = mark === ' ' ? sinceChange + 1 : 0
    if (sinceChange > around && (untilChange[i] ?? 0) > around) return
    if (shownUpTo !== i || i === 0) lines.push(`@@ -${oldLine} +${newLine} @@`)
    lines.push(mark + line)
    shownUpTo = i + 1
  })
  return lines
}
