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
  const ready = new Map<string, N[]>()
  const running = new Map<string, number>()
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
  }

  function release(node: N) {
    const broken = node.needs.find((id) => state.get(id) === 'failed' || state.get(id) === 'skipped')
    const reason = node.skip ?? (broken !== undefined ? reasonFor(broken) : undefined)
    if (reason !== undefined) {
      state.set(node.id, 'skipped')
      rootReason.set(node.id, node.skip ? `needs ${run.describe(node)}: ${node.skip}` : reason)
      run.skip(node, reason)
      return settle(node)
    }
    state.set(node.id, 'ready')
    const list = ready.get(node.pool)
    if (list) insert(list, node)
    else ready.set(node.pool, [node])
  }

  /** The first cause, not the nearest: that is what a person has to mend. */
  function reasonFor(id: number): string {
    const node = byId.get(id) as N
    return rootReason.get(id) ?? `needs ${run.describe(node)}, which failed`
  }

  function settle(node: N) {
    open--
    for (const id of dependents.get(node.id) ?? []) {
      const left = (waitingFor.get(id) as number) - 1
      waitingFor.set(id, left)
      if (left === 0) release(byId.get(id) as N)
    }
  }

  function startReady() {
    if (!run.signal.aborted) {
      for (const [pool, list] of ready) {
        const capacity = run.capacity[pool] ?? 1
        for (let index = 0; index < list.length && (running.get(pool) ?? 0) < capacity; ) {
          const node = list[index] as N
          if (!locks.take(node.locks)) {
            index++
            continue
          }
          list.splice(index, 1)
          begin(node)
        }
      }
    }
    if (open === 0 || (run.signal.aborted && active === 0)) finished.resolve()
    else if (active === 0 && [...ready.values()].every((list) => list.length === 0)) {
      finished.reject(new Error('the plan has a circle of dependencies'))
    }
  }

  function begin(node: N) {
    active++
    running.set(node.pool, (running.get(node.pool) ?? 0) + 1)
    state.set(node.id, 'running')
    const end = (result: State) => {
      active--
      running.set(node.pool, (running.get(node.pool) as number) - 1)
      locks.give(node.locks)
      state.set(node.id, result)
      settle(node)
      startReady()
    }
    run.start(node).then(
      () => end('done'),
      () => end('failed'),
    )
  }

  for (const node of nodes)
    if (waitingFor.get(node.id) === 0 && state.get(node.id) === 'waiting') release(node)
  startReady()
  return finished.promise
}

/** Keeps a ready list sorted: heaviest first, then in the plan's order. */
function insert<N extends Node>(list: N[], node: N) {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = list[middle] as N
    if (other.weight > node.weight || (other.weight === node.weight && other.id < node.id)) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, node)
}

class LockTable {
  #shared = new Map<number, number>()
  #exclusive = new Set<number>()

  take({ shared = [], exclusive = [] }: Locks): boolean {
    if (shared.some((oid) => this.#exclusive.has(oid))) return false
    if (exclusive.some((oid) => this.#exclusive.has(oid) || this.#shared.has(oid))) return false
    for (const oid of shared) this.#shared.set(oid, (this.#shared.get(oid) ?? 0) + 1)
    for (const oid of exclusive) this.#exclusive.add(oid)
    return true
  }

  give({ shared = [], exclusive = [] }: Locks) {
    for (const oid of shared) {
      const left = (this.#shared.get(oid) ?? 0) - 1
      if (left > 0) this.#shared.set(oid, left)
      else this.#shared.delete(oid)
    }
    for (const oid of exclusive) this.#exclusive.delete(oid)
  }
}
