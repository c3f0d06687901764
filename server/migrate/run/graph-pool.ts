// The ready steps of each pool of a run, and the locks that keep some of them apart.
import type { Locks, Node } from '../plan/node.ts'

/** The ready steps of one pool: those that may start, and those that wait for a lock. */
export class Pool<N extends Node> {
  running = 0
  #isClosed = false
  readonly #ready = new StepHeap<N>()
  readonly #blocked = { shared: new Map<number, StepHeap<N>>(), exclusive: new Map<number, StepHeap<N>>() }

  constructor(
    readonly capacity: number,
    readonly locks: LockTable,
    /** Such a step starts when no other of this pool runs, and no other starts beside it. */
    readonly isAlone: (node: N) => boolean,
  ) {}

  add(node: N) {
    this.#ready.push(node)
  }

  /** The first step in order, whether it may start or not. */
  get next(): N | undefined {
    return this.#ready.first
  }

  /** The heaviest step that may start now. It counts as running, and `held` has its locks. */
  take(held: HeldLocks): N | undefined {
    while (this.running < this.capacity && !this.#isClosed) {
      const node = this.#ready.first
      if (!node || (this.running > 0 && this.isAlone(node))) return undefined
      if (!this.takeNext(held)) continue
      this.running++
      this.#isClosed = this.isAlone(node)
      return node
    }
    return undefined
  }

  /** The first step in order, unless it must wait for a lock. */
  takeNext(held: HeldLocks): N | undefined {
    const node = this.#ready.pop()
    if (!node) return undefined
    const obstacle = this.locks.take(node.locks, held)
    if (obstacle) this.#block(node, obstacle)
    this.wake(node.locks)
    return obstacle ? undefined : node
  }

  /** A step that `take` returned has ended. */
  leave() {
    this.running--
    this.#isClosed = false
  }

  /**
   * Of the steps that wait for the same lock only the heaviest is checked again, and the next one if that left the lock
   * free: checking all of them each time would be quadratic.
   */
  wake({ shared = [], exclusive = [] }: { shared?: Iterable<number>; exclusive?: Iterable<number> }) {
    if (this.#blocked.shared.size + this.#blocked.exclusive.size === 0) return
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

/** Returns the heaviest first, equal ones in the plan's order: a binary heap. */
export class StepHeap<N extends Node> {
  readonly #nodes: N[] = []

  get isEmpty() {
    return this.#nodes.length === 0
  }

  get first(): N | undefined {
    return this.#nodes[0]
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

export function isBefore(one: Node, other: Node): boolean {
  return one.weight > other.weight || (one.weight === other.weight && one.id < other.id)
}

const modes = ['shared', 'exclusive'] as const
type Obstacle = { oid: number; mode: (typeof modes)[number] }

/** The locks of steps that run together. */
export class HeldLocks {
  readonly shared = new Set<number>()
  readonly exclusive = new Set<number>()
}

export class LockTable {
  readonly #shared = new Map<number, number>()
  readonly #exclusive = new Set<number>()

  /** Takes all locks or none, and returns a lock that is not free. Locks in `held` do not conflict. */
  take({ shared = [], exclusive = [] }: Locks, held: HeldLocks): Obstacle | undefined {
    for (const oid of shared) {
      if (!held.exclusive.has(oid) && !this.isFree(oid, 'shared')) return { oid, mode: 'shared' }
    }
    for (const oid of exclusive) if (!this.#mayHaveAlone(oid, held)) return { oid, mode: 'exclusive' }
    for (const oid of shared) {
      if (held.shared.has(oid) || held.exclusive.has(oid)) continue
      held.shared.add(oid)
      this.#shared.set(oid, (this.#shared.get(oid) ?? 0) + 1)
    }
    for (const oid of exclusive) {
      if (held.exclusive.has(oid)) continue
      if (held.shared.delete(oid)) this.#giveShared(oid)
      held.exclusive.add(oid)
      this.#exclusive.add(oid)
    }
    return undefined
  }

  give({ shared, exclusive }: HeldLocks) {
    for (const oid of shared) this.#giveShared(oid)
    for (const oid of exclusive) this.#exclusive.delete(oid)
  }

  isFree(oid: number, mode: Obstacle['mode']): boolean {
    return !this.#exclusive.has(oid) && (mode === 'shared' || !this.#shared.has(oid))
  }

  #mayHaveAlone(oid: number, held: HeldLocks): boolean {
    if (this.isFree(oid, 'exclusive') || held.exclusive.has(oid)) return true
    return held.shared.has(oid) && this.#shared.get(oid) === 1
  }

  #giveShared(oid: number) {
    const left = (this.#shared.get(oid) ?? 0) - 1
    if (left > 0) this.#shared.set(oid, left)
    else this.#shared.delete(oid)
  }
}
