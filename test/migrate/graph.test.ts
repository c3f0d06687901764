import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Locks, Node } from '../../server/migrate/plan/node.ts'
import { runGraph } from '../../server/migrate/run/graph.ts'

type Planned = Node & { outcome: 'done' | 'failed' }
type Happening = { kind: 'start' | 'done' | 'failed' | 'skipped'; id: number; reason?: string }

describe('in any plan, with any outcome of its steps', () => {
  test('every step ends exactly once: done, failed or skipped', async () => {
    await everyRun(({ nodes, happenings }) => {
      const ends = happenings.filter(({ kind }) => kind !== 'start').map(({ id }) => id)
      expect(ends.sort((a, b) => a - b)).toEqual(nodes.map(({ id }) => id))
    })
  })

  test('nothing starts before its needs have succeeded and the steps before it are over', async () => {
    await everyRun(({ nodes, happenings }) => {
      const ended = new Map<number, string>()
      for (const { kind, id } of happenings) {
        if (kind !== 'start') ended.set(id, kind)
        else {
          const node = nodes[id - 1] as Planned
          expect(node.skip).toBeUndefined()
          for (const other of node.needs) expect(ended.get(other)).toBe('done')
          for (const other of node.after) expect(ended.has(other)).toBe(true)
        }
      }
    })
  })

  test('what needs a failed step is skipped, with the first cause as the reason', async () => {
    await everyRun(({ nodes, happenings }) => {
      const end = new Map(happenings.filter(({ kind }) => kind !== 'start').map((one) => [one.id, one]))
      const causes = (node: Planned): string[] =>
        node.needs.flatMap((id) => {
          const needed = nodes[id - 1] as Planned
          if (end.get(id)?.kind === 'failed') return [`needs step ${id}, which failed`]
          if (needed.skip !== undefined) return [`needs step ${id}: ${needed.skip}`]
          return causes(needed)
        })
      for (const node of nodes) {
        const happened = end.get(node.id)
        if (node.skip !== undefined) expect(happened).toMatchObject({ kind: 'skipped', reason: node.skip })
        else if (happened?.kind === 'skipped') expect(causes(node)).toContain(happened.reason as string)
        else expect(causes(node)).toEqual([])
      }
    })
  })

  test('no pool runs more steps than its capacity, and no exclusive lock is shared', async () => {
    await everyRun(({ nodes, happenings, capacity }) => {
      const active = new Set<Planned>()
      for (const { kind, id } of happenings) {
        const node = nodes[id - 1] as Planned
        if (kind !== 'start') active.delete(node)
        else {
          for (const other of active) expect(areCompatible(node.locks, other.locks)).toBe(true)
          active.add(node)
          const together = [...active].filter(({ pool }) => pool === node.pool).length
          expect(together).toBeLessThanOrEqual(capacity[node.pool] ?? 1)
        }
      }
    })
  })

  test('nothing waits without a reason: no ready step with free locks while its pool has room', async () => {
    await everyRun(({ nodes, idle, capacity }) => {
      for (const { active, ended } of idle) {
        for (const node of nodes) {
          const isReady =
            !ended.has(node.id) &&
            !active.has(node) &&
            [...node.needs, ...node.after].every((id) => ended.has(id))
          if (!isReady) continue
          const isFull =
            [...active].filter(({ pool }) => pool === node.pool).length >= (capacity[node.pool] ?? 1)
          const isLocked = [...active].some((other) => !areCompatible(node.locks, other.locks))
          expect(isFull || isLocked).toBe(true)
        }
      }
    })
  })

  test('after the signal nothing starts, and the run is over when the last running step is', async () => {
    await fc.assert(
      fc.asyncProperty(
        plans,
        fc.nat({ max: 20 }),
        fc.infiniteStream(fc.nat()),
        async (plan, after, order) => {
          const { happenings } = await play(plan, order, after)
          const aborted = happenings.findIndex(({ kind }, index) => kind === 'start' && index >= after)
          // The step whose start caused the signal may be the last to start.
          if (aborted >= 0) {
            expect(happenings.slice(aborted + 1).filter(({ kind }) => kind === 'start')).toEqual([])
          }
          const started = happenings.filter(({ kind }) => kind === 'start').map(({ id }) => id)
          const ended = happenings.filter(({ kind }) => kind === 'done' || kind === 'failed')
          expect(ended.map(({ id }) => id).sort()).toEqual(started.sort())
        },
      ),
    )
  })
})

describe('batches', () => {
  test('contain as many steps as allowed, and steps that wait only for others of the batch', async () => {
    const nodes = [
      step(1),
      step(2, { needs: [1], locks: { shared: [7] } }),
      step(3, { needs: [2], locks: { exclusive: [7] } }),
      step(4, { pool: 'copy' }),
      step(5, { needs: [4] }),
      step(6),
      step(7),
    ]
    expect(await together(nodes, 5)).toEqual(['1 2 3 6 7', '4', '5'])
  })

  test('fail without effects, until the failing step is alone', async () => {
    const nodes = Array.from({ length: 8 }, (_, index) =>
      step(index + 1, index === 5 ? { outcome: 'failed' } : index === 6 ? { needs: [6] } : {}),
    )
    expect(await together(nodes, 8)).toEqual([
      '(1 2 3 4 5 6 7 8)',
      '1 2 3 4',
      '(5 6 7 8)',
      '(5 6)',
      '5',
      '(6)',
      'skipped 7',
      '8',
    ])
  })

  test('do not wait for a lock of another step', async () => {
    const nodes = [
      step(1, { pool: 'copy', locks: { exclusive: [7] } }),
      step(2),
      step(3, { locks: { shared: [7] } }),
      step(4),
    ]
    expect(await together(nodes, 5)).toEqual(['1', '2 4', '3'])
  })

  test('a step that runs alone waits for all before it, and all after it wait for it', async () => {
    const nodes = [step(1), step(2), step(3, { needs: [1] }), step(4), step(5)]
    const started: string[] = []
    const othersAreOver = Promise.withResolvers<void>()
    await runGraph(nodes, {
      async start({ id }) {
        started.push(`start ${id}`)
        if (id === 1) await othersAreOver.promise
        started.push(`end ${id}`)
        if (id === 2) othersAreOver.resolve()
      },
      skip() {},
      describe: ({ id }) => `step ${id}`,
      capacity: { build: 4 },
      isAlone: ({ id }) => id === 4,
      signal: new AbortController().signal,
    })
    const place = (what: string) => started.indexOf(what)
    for (const id of [1, 2]) expect(place(`end ${id}`)).toBeLessThan(place('start 4'))
    expect(place('end 4')).toBeLessThan(place('start 5'))
  })

  test('in any plan each step ends once, after its needs, and only failing ones fail', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.integer({ min: 2, max: 6 }), async ({ nodes, capacity }, most) => {
        const ended = new Map<number, string>()
        const end = (node: Planned, how: string) => {
          expect(ended.has(node.id)).toBe(false)
          if (how !== 'skipped') for (const id of node.needs) expect(ended.get(id)).toBe('done')
          if (how !== 'skipped') for (const id of node.after) expect(ended.has(id)).toBe(true)
          ended.set(node.id, how)
        }
        const locked = new Set<Planned>()
        const take = (members: readonly Planned[]) => {
          for (const one of members) {
            for (const other of locked) expect(areCompatible(one.locks, other.locks)).toBe(true)
          }
          for (const one of members) locked.add(one)
        }
        await runGraph(nodes, {
          async start(node) {
            take([node])
            await Promise.resolve()
            locked.delete(node)
            end(node, node.outcome)
            if (node.outcome === 'failed') throw new Error('no')
          },
          skip: (node) => end(node, 'skipped'),
          describe: ({ id }) => `step ${id}`,
          capacity,
          batch: {
            most,
            admits: ({ pool }) => pool === 'build',
            async start(members) {
              expect(members.length).toBeGreaterThan(1)
              expect(members.length).toBeLessThanOrEqual(most)
              take(members)
              await Promise.resolve()
              for (const member of members) locked.delete(member)
              if (members.some(({ outcome }) => outcome === 'failed')) throw new Error('no')
              for (const member of members) end(member, 'done')
            },
          },
          signal: new AbortController().signal,
        })
        expect(ended.size).toBe(nodes.length)
        for (const node of nodes) {
          if (ended.get(node.id) === 'failed') expect(node.outcome).toBe('failed')
        }
      }),
      { numRuns: 300 },
    )
  })
})

test('of the ready steps the heaviest starts first, equal ones in the order of the plan', async () => {
  const weights = [1, 5, 3, 5, 0]
  const nodes = weights.map((weight, index) => step(index + 1, { weight, locks: { exclusive: [7] } }))
  const { happenings } = await play({ nodes, capacity: { build: 2 } }, zeros())
  const started = happenings.filter(({ kind }) => kind === 'start').map(({ id }) => id)
  expect(started).toEqual([2, 4, 3, 1, 5])
})

test('a light step overtakes a heavy one that waits for a lock', async () => {
  const nodes = [
    step(1, { weight: 9, locks: { shared: [7] } }),
    step(2, { weight: 8, locks: { exclusive: [7] } }),
    step(3, { weight: 1, locks: { shared: [7] } }),
  ]
  const { happenings } = await play({ nodes, capacity: { build: 3 } }, zeros())
  expect(happenings.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
    'start 1',
    'start 3',
    'done 1',
    'done 3',
    'start 2',
    'done 2',
  ])
})

test('after an early signal nothing starts', async () => {
  const nodes = [step(1), step(2, { needs: [1] })]
  expect((await play({ nodes, capacity: {} }, zeros(), 0)).happenings).toEqual([])
})

test('a cycle of dependencies is an error instead of an endless wait', async () => {
  const nodes = [step(1), step(2, { needs: [1, 3] }), step(3, { after: [2] })]
  await expect(play({ nodes, capacity: {} }, zeros())).rejects.toThrow('cycle')
})

test('an error while a step is reported as skipped ends the run with it', async () => {
  const run = runGraph([step(1), step(2, { needs: [1] })], {
    start: () => Promise.reject(new Error('no')),
    skip() {
      throw new Error('nobody listens')
    },
    describe: ({ id }) => `step ${id}`,
    capacity: {},
    signal: new AbortController().signal,
  })
  await expect(run).rejects.toThrow('nobody listens')
})

describe('a hundred thousand steps', () => {
  const count = 100_000
  const shapes: Record<string, (id: number) => Partial<Planned>> = {
    'that hang on one another, behind a failure': (id) =>
      id === 1 ? { outcome: 'failed' } : { needs: [id - 1] },
    'that all hang on a failure': (id) => (id === 1 ? { outcome: 'failed' } : { needs: [1] }),
    'that are independent': (id) => ({ weight: id }),
    'that wait for one lock': (id) => ({ weight: id % 10, locks: { exclusive: [7] } }),
    'that share a lock which one wants alone': (id) => ({
      locks: id === count / 2 ? { exclusive: [7] } : { shared: [7] },
    }),
    'that refer to a few tables': (id) => ({ locks: { exclusive: [id % 10, 1000 + (id % 3), 2000 + id] } }),
  }
  for (const [name, shape] of Object.entries(shapes)) {
    test(`${name} come to their end (a quadratic search would run into the time limit)`, async () => {
      const nodes = Array.from({ length: count }, (_, index) => step(index + 1, shape(index + 1)))
      let ends = 0
      await runGraph(nodes, {
        async start(node) {
          ends++
          if (node.outcome === 'failed') throw new Error('no')
        },
        skip: () => ends++,
        describe: ({ id }) => `step ${id}`,
        capacity: { build: 4 },
        signal: new AbortController().signal,
      })
      expect(ends).toBe(count)
    })
  }
})

/** The batches, in the order of their end; failed ones in parentheses. */
async function together(nodes: Planned[], most: number): Promise<string[]> {
  const groups: string[] = []
  const tell = (members: readonly Planned[]) => {
    const ids = members.map(({ id }) => id).join(' ')
    const isFine = members.every(({ outcome }) => outcome === 'done')
    groups.push(isFine ? ids : `(${ids})`)
    if (!isFine) throw new Error('no')
  }
  await runGraph(nodes, {
    start: async (node) => tell([node]),
    skip: ({ id }) => groups.push(`skipped ${id}`),
    describe: ({ id }) => `step ${id}`,
    capacity: { copy: 1, build: 1 },
    batch: { most, admits: ({ pool }) => pool === 'build', start: async (members) => tell(members) },
    signal: new AbortController().signal,
  })
  return groups
}

interface Plan {
  nodes: Planned[]
  capacity: Record<string, number>
}

function step(id: number, rest: Partial<Planned> = {}): Planned {
  return { id, needs: [], after: [], pool: 'build', weight: 0, locks: {}, outcome: 'done', ...rest }
}

const oids = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 })

const plans: fc.Arbitrary<Plan> = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(), { maxLength: 3 }),
      after: fc.array(fc.nat(), { maxLength: 2 }),
      pool: fc.constantFrom('build', 'copy', 'none'),
      weight: fc.nat({ max: 3 }),
      locks: fc.record({ shared: oids, exclusive: oids }, { requiredKeys: [] }),
      outcome: fc.constantFrom('done', 'done', 'done', 'done', 'failed') as fc.Arbitrary<'done' | 'failed'>,
      skip: fc.option(fc.constant('it was left out'), { freq: 12, nil: undefined }),
    }),
    { maxLength: 25 },
  )
  .map((drafts) => ({
    nodes: drafts.map((draft, index) => {
      // Needs refer only to earlier steps: no cycles.
      const earlier = (numbers: number[]) =>
        index === 0 ? [] : numbers.map((number) => 1 + (number % index))
      return { ...draft, id: index + 1, needs: earlier(draft.needs), after: earlier(draft.after) }
    }),
    capacity: { build: 2, copy: Number.POSITIVE_INFINITY },
  }))

type Run = Awaited<ReturnType<typeof play>> & Plan

async function everyRun(check: (run: Run) => void) {
  await fc.assert(
    fc.asyncProperty(plans, fc.infiniteStream(fc.nat()), async (plan, order) => {
      check({ ...plan, ...(await play(plan, order)) })
    }),
    { numRuns: 300 },
  )
}

/** Runs a plan; its steps end one at a time, in an order drawn from `order`. */
async function play(
  { nodes, capacity }: Plan,
  order: Iterator<number>,
  abortAfter = Number.POSITIVE_INFINITY,
) {
  const happenings: Happening[] = []
  const active = new Map<Planned, () => void>()
  const ended = new Set<number>()
  /** The running and the ended steps whenever no more were about to start. */
  const idle: { active: Set<Planned>; ended: Set<number> }[] = []
  const abort = new AbortController()
  const tell = (happening: Happening) => {
    if (happening.kind === 'start' && happenings.length >= abortAfter) abort.abort()
    happenings.push(happening)
    if (happening.kind !== 'start') ended.add(happening.id)
  }
  if (abortAfter === 0) abort.abort()
  let isOver = false
  const over = runGraph(nodes, {
    start(node) {
      tell({ kind: 'start', id: node.id })
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      active.set(node, () => {
        active.delete(node)
        tell({ kind: node.outcome, id: node.id })
        if (node.outcome === 'done') resolve()
        else reject(new Error('no'))
      })
      return promise
    },
    skip: (node, reason) => tell({ kind: 'skipped', id: node.id, reason }),
    describe: ({ id }) => `step ${id}`,
    capacity,
    signal: abort.signal,
  }).finally(() => {
    isOver = true
  })
  over.catch(() => {})
  while (active.size > 0 && !isOver) {
    idle.push({ active: new Set(active.keys()), ended: new Set(ended) })
    const choice = [...active.values()][Number(order.next().value) % active.size]
    choice?.()
    // Lets the graph handle it.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  }
  await over
  return { happenings, idle }
}

function areCompatible(one: Locks, other: Locks): boolean {
  const meets = (a: readonly number[] = [], b: readonly number[] = []) => a.some((oid) => b.includes(oid))
  return (
    !meets(one.exclusive, other.exclusive) &&
    !meets(one.exclusive, other.shared) &&
    !meets(one.shared, other.exclusive)
  )
}

function zeros() {
  return fc.sample(fc.infiniteStream(fc.constant(0)), 1)[0] as Iterator<number>
}
