// Runs steps in the order of their dependencies, as many at once as their pools and locks allow.

export interface Node {
  id: number
  /** Steps that must have succeeded; if one has not, this one is skipped. */
  needs: readonly number[]
  /** Steps that must be over, however they ended. */
  after: readonly number[]
  pool: string
  /** Within a pool the heaviest ready step starts first; equal ones in the order of their ids. */
  weight: number
  locks: Locks
  /** Known before the run: never started, its dependents are skipped as well. */
  skip?: string | undefined
}

/** Tables by OID. Shared locks go together, an exclusive one goes alone. */
export interface Locks {
  shared?: readonly number[]
  exclusive?: readonly number[]
}

export interface GraphRun<N extends Node> {
  /** Rejects when the step fails; how to report that is its own business. */
  start(node: N): Promise<void>
  skip(node: N, reason: string): void
  /** Names a step in the reason that its dependents are skipped for. */
  describe(node: N): string
  /** How many steps of each pool run at once. */
  capacity: Readonly<Record<string, number>>
  signal: AbortSignal
}

type State = 'waiting' | 'ready' | 'running' | 'done' | 'failed' | 'skipped'

/** Resolves when every step is over, or when nothing runs any more after the signal. */
export function runGraph<N extends Node>(nodes: readonly N[], run: GraphRun<N>): Promise<void> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const state = new Map<number, State>(nodes.map((node) => [node.id, 'waiting']))
  const waitingFor = new Map<number, number>()
  const dependents = new Map<number, number[]>()
  const pools = new Map<string, Pool<N>>()
  const locks = new LockTable()
  const rootReason = new Map<number, string>()
  let open = nodes.length
  let active = 0
  const finished = Promise.withResolvers<void>()

  for (const node of nodes) {
    const before = new Set([...node.needs, ...node.after].filter((id) => byId.has(id)))
    waitingFor.set(node.id, before.size)
    for (const id of before) {
      const list = dependents.get(id)
      if (list) list.push(node.id)
      else dependents.set(id, [node.id])
    }
    if (!pools.has(node.pool)) pools.set(node.pool, new Pool(run.capacity[node.pool] ?? 1, locks))
  }

  function poolOf(node: N) {
    return pools.get(node.pool) as Pool<N>
  }

  /** What waits for nothing any more becomes ready, or is skipped and lets others go. */
  function release(free: N[]) {
    // A list that grows and not a recursion: thousands of steps may hang on one that failed.
    for (const node of free) {
      const reason = reasonToSkip(node)
      if (reason === undefined) {
        state.set(node.id, 'ready')
        poolOf(node).add(node)
      } else {
        state.set(node.id, 'skipped')
        rootReason.set(node.id, node.skip ? `needs ${run.describe(node)}: ${node.skip}` : reason)
        run.skip(node, reason)
        for (const next of settle(node)) free.push(next)
      }
    }
  }

  /** The first cause, not the nearest: that is what a person has to mend. */
  function reasonToSkip(node: N): string | undefined {
    if (node.skip !== undefined) return node.skip
    const broken = node.needs.find((id) => state.get(id) === 'failed' || state.get(id) === 'skipped')
    if (broken === undefined) return undefined
    return rootReason.get(broken) ?? `needs ${run.describe(byId.get(broken) as N)}, which failed`
  }

  /** The steps that waited for this one last. */
  function settle(node: N): N[] {
    open--
    const free: N[] = []
    for (const id of dependents.get(node.id) ?? []) {
      const left = (waitingFor.get(id) as number) - 1
      waitingFor.set(id, left)
      if (left === 0) free.push(byId.get(id) as N)
    }
    return free
  }

  function startReady() {
    for (const pool of pools.values()) {
      // Whoever hears of a start may abort.
      while (!run.signal.aborted) {
        const node = pool.take()
        if (!node) break
        begin(node)
      }
    }
    if (open === 0 || (run.signal.aborted && active === 0)) finished.resolve()
    else if (active === 0) finished.reject(new Error('the plan has a circle of dependencies'))
  }

  function begin(node: N) {
    active++
    state.set(node.id, 'running')
    const end = (result: State) => {
      active--
      locks.give(node.locks)
      for (const pool of pools.values()) pool.wake(node.locks)
      poolOf(node).running--
      state.set(node.id, result)
      release(settle(node))
      startReady()
    }
    run
      .start(node)
      .then(
        () => end('done'),
        () => end('failed'),
      )
      .catch(finished.reject)
  }

  release(nodes.filter((node) => waitingFor.get(node.id) === 0))
  startReady()
  return finished.promise
}

/** The ready steps of one pool: those that may start, and those that wait for a lock. */
class Pool<N extends Node> {
  running = 0
  readonly #ready = new StepHeap<N>()
  readonly #blocked = { shared: new Map<number, StepHeap<N>>(), exclusive: new Map<number, StepHeap<N>>() }

  constructor(
    readonly capacity: number,
    readonly locks: LockTable,
  ) {}

  add(node: N) {
    this.#ready.push(node)
  }

  /** The heaviest step that may start now; it counts as running and has its locks. */
  take(): N | undefined {
    while (this.running < this.capacity) {
      const node = this.#ready.pop()
      if (!node) return undefined
      const obstacle = this.locks.take(node.locks)
      if (obstacle) this.#block(node, obstacle)
      else this.running++
      this.wake(node.locks)
      if (!obstacle) return node
    }
    return undefined
  }

  /**
   * Of the steps that wait for the same lock only the heaviest is looked at again, and the next one when that
   * has left it free: looking at all of them each time would be quadratic.
   */
  wake({ shared = [], exclusive = [] }: Locks) {
    for (const oid of [...shared, ...exclusive]) {
      for (const mode of modes) {
        const waiting = this.#blocked[mode].get(oid)
        if (!waiting || !this.locks.isFree(oid, mode)) continue
        this.#ready.push(waiting.pop() as N)
        if (waiting.isEmpty) this.#blocked[mode].delete(oid)
      }
    }
  }

  #block(node: N, { oid, mode }: Obstacle) {
    const waiting = this.#blocked[mode].get(oid) ?? new StepHeap<N>()
    waiting.push(node)
    this.#blocked[mode].set(oid, waiting)
  }
}

/** Gives the heaviest first, equal ones in the plan's order: a binary heap. */
class StepHeap<N extends Node> {
  readonly #nodes: N[] = []

  get isEmpty() {
    return this.#nodes.length === 0
  }

  push(node: N) {
    const nodes = this.#nodes
    let index = nodes.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(node, nodes[parent] as N)) break
      nodes[index] = nodes[parent] as N
      index = parent
    }
    nodes[index] = node
  }

  pop(): N | undefined {
    const nodes = this.#nodes
    const first = nodes[0]
    const last = nodes.pop()
    if (last === undefined || nodes.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= nodes.length) break
      if (child + 1 < nodes.length && isBefore(nodes[child + 1] as N, nodes[child] as N)) child++
      if (!isBefore(nodes[child] as N, last)) break
      nodes[index] = nodes[child] as N
      index = child
    }
    nodes[index] = last
    return first
  }
}

function isBefore(one: Node, other: Node): boolean {
  return one.weight > other.weight || (one.weight === other.weight && one.id < other.id)
}

const modes = ['shared', 'exclusive'] as const
type Obstacle = { oid: number; mode: (typeof modes)[number] }

class LockTable {
  readonly #shared = new Map<number, number>()
  readonly #exclusive = new Set<number>()

  /** All locks or none; then it says which was in the way. */
  take({ shared = [], exclusive = [] }: Locks): Obstacle | undefined {
    for (const oid of shared) if (!this.isFree(oid, 'shared')) return { oid, mode: 'shared' }
    for (const oid of exclusive) if (!this.isFree(oid, 'exclusive')) return { oid, mode: 'exclusive' }
    for (const oid of shared) this.#shared.set(oid, (this.#shared.get(oid) ?? 0) + 1)
    for (const oid of exclusive) this.#exclusive.add(oid)
    return undefined
  }

  give({ shared = [], exclusive = [] }: Locks) {
    for (const oid of shared) {
      const left = (this.#shared.get(oid) ?? 0) - 1
      if (left > 0) this.#shared.set(oid, left)
      else this.#shared.delete(oid)
    }
    for (const oid of exclusive) this.#exclusive.delete(oid)
  }

  isFree(oid: number, mode: Obstacle['mode']): boolean {
    return !this.#exclusive.has(oid) && (mode === 'shared' || !this.#shared.has(oid))
  }
}
