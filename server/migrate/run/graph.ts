// Runs steps in the order of their dependencies, as many at once as their pools and locks allow. Small steps may run as
// a batch, which counts as one step of its pool. A batch that fails is repeated in smaller ones.
import { say } from '../../../shared/say.ts'
import type { Node } from '../plan/node.ts'
import { HeldLocks, isBefore, LockTable, Pool, StepHeap } from './graph-pool.ts'

export interface GraphRun<N extends Node> {
  /** Rejects when the step fails. It has reported the failure itself. */
  start(node: N): Promise<void>
  skip(node: N, reason: string): void
  /** Names a step in the reason for which its dependents are skipped. */
  describe(node: N): string
  /** How many steps of each pool run at once. */
  capacity: Readonly<Record<string, number>>
  /** No other step of its pool runs beside such a step. */
  isAlone?(node: N): boolean
  batch?: Batching<N>
  signal: AbortSignal
}

export interface Batching<N extends Node> {
  /** The size of a batch. */
  most: number
  /** Whether a step may be part of a batch. */
  admits(node: N): boolean
  /** In this order. Rejects when none of them has taken effect; they are then repeated in smaller batches, or alone. */
  start(nodes: readonly N[]): Promise<void>
}

const waiting = 0
const ready = 1
const running = 2
const done = 3
const failed = 4
const skipped = 5

/** Resolves when every step is over, or after the signal when no step runs any more. */
export function runGraph<N extends Node>(nodes: readonly N[], run: GraphRun<N>): Promise<void> {
  const placeOf = new Map(nodes.map((node, place) => [node.id, place]))
  const state = new Uint8Array(nodes.length)
  const waitingFor = new Uint32Array(nodes.length)
  const largestBatch = new Uint16Array(nodes.length).fill(run.batch?.most ?? 1)
  const dependents = invert(nodes, placeOf, waitingFor)
  const isAlone = run.isAlone ?? (() => false)
  const pools = new Map<string, Pool<N>>()
  const locks = new LockTable()
  const rootReason = new Map<number, string>()
  let open = nodes.length
  let active = 0
  const finished = Promise.withResolvers<void>()

  for (const { pool } of nodes) {
    if (!pools.has(pool)) pools.set(pool, new Pool(run.capacity[pool] ?? 1, locks, isAlone))
  }

  function place(node: N): number {
    return placeOf.get(node.id) as number
  }

  function poolOf(node: N) {
    return pools.get(node.pool) as Pool<N>
  }

  /** Steps without open dependencies become ready, or are skipped, which in turn releases others. */
  function release(free: N[]) {
    // A growing list instead of a recursion: thousands of steps may depend on one that failed.
    for (const node of free) {
      const reason = reasonToSkip(node)
      if (reason === undefined) {
        state[place(node)] = ready
        poolOf(node).add(node)
      } else {
        state[place(node)] = skipped
        rootReason.set(node.id, node.skip ? say`needs ${run.describe(node)}: ${node.skip}` : reason)
        run.skip(node, reason)
        for (const next of settle(node)) free.push(next)
      }
    }
  }

  /** The first cause, not the nearest: the user has to fix that one. */
  function reasonToSkip(node: N): string | undefined {
    if (node.skip !== undefined) return node.skip
    const broken = node.needs.find((id) => {
      const known = placeOf.get(id)
      return known !== undefined && (state[known] === failed || state[known] === skipped)
    })
    if (broken === undefined) return undefined
    return (
      rootReason.get(broken) ??
      say`needs ${run.describe(nodes[placeOf.get(broken) as number] as N)}, which failed`
    )
  }

  /** Returns the steps for which this one was the last dependency. */
  function settle(node: N): N[] {
    open--
    const free: N[] = []
    for (const next of dependents(place(node))) {
      const left = (waitingFor[next] as number) - 1
      waitingFor[next] = left
      if (left === 0 && state[next] === waiting) free.push(nodes[next] as N)
    }
    return free
  }

  function startReady() {
    for (const pool of pools.values()) {
      // A start event may lead to an abort.
      while (!run.signal.aborted && pool.next) {
        const held = new HeldLocks()
        const node = pool.take(held)
        if (!node) break
        begin(gather(node, pool, held), held)
      }
    }
    if (open === 0 || (run.signal.aborted && active === 0)) finished.resolve()
    else if (active === 0) finished.reject(new Error('the plan has a dependency cycle'))
  }

  /** The step with the next ones in order, and those that wait only for steps of the same batch. */
  function gather(first: N, pool: Pool<N>, held: HeldLocks): N[] {
    const members = [first]
    const { batch } = run
    let most = largestBatch[place(first)] as number
    if (!batch || most === 1 || !batch.admits(first)) return members
    const left = new Map<number, number>()
    const unlocked = new StepHeap<N>()
    const isFit = (node: N) =>
      members.length < Math.min(most, largestBatch[place(node)] as number) &&
      isAlone(node) === isAlone(first) &&
      batch.admits(node)
    const join = (node: N) => {
      most = Math.min(most, largestBatch[place(node)] as number)
      for (const next of dependents(place(node))) {
        const others = (left.get(next) ?? (waitingFor[next] as number)) - 1
        left.set(next, others)
        const dependent = nodes[next] as N
        if (others === 0 && dependent.pool === first.pool && reasonToSkip(dependent) === undefined)
          unlocked.push(dependent)
      }
    }
    join(first)
    for (;;) {
      const [behind, beside] = [unlocked.first, pool.next]
      if (beside && (!behind || isBefore(beside, behind))) {
        if (!isFit(beside)) return members
        const node = pool.takeNext(held)
        if (node) join(node)
        if (node) members.push(node)
        continue
      }
      const node = unlocked.pop()
      if (!node) return members
      if (!isFit(node) || locks.take(node.locks, held)) continue
      members.push(node)
      join(node)
    }
  }

  function begin(members: readonly N[], held: HeldLocks) {
    active++
    for (const node of members) state[place(node)] = running
    const [first] = members as [N]
    const end = (result: typeof done | typeof failed) => {
      active--
      locks.give(held)
      for (const pool of pools.values()) pool.wake(held)
      poolOf(first).leave()
      if (result === failed && members.length > 1) split(members)
      else {
        for (const node of members) state[place(node)] = result
        release(members.flatMap(settle))
      }
      startReady()
    }
    const start = members.length > 1 && run.batch ? run.batch.start(members) : run.start(first)
    start
      .then(
        () => end(done),
        () => end(failed),
      )
      .catch(finished.reject)
  }

  function split(members: readonly N[]) {
    for (const node of members) {
      largestBatch[place(node)] = Math.floor(members.length / 2)
      state[place(node)] = waitingFor[place(node)] === 0 ? ready : waiting
      if (waitingFor[place(node)] === 0) poolOf(node).add(node)
    }
  }

  release(nodes.filter((_, index) => waitingFor[index] === 0))
  startReady()
  return finished.promise
}

/** For each step the steps that wait for it, as places in the list; `waitingFor` gets the number that each waits for. */
function invert(nodes: readonly Node[], placeOf: ReadonlyMap<number, number>, waitingFor: Uint32Array) {
  const starts = new Uint32Array(nodes.length + 1)
  const eachWait = (visit: (needed: number, index: number) => void) => {
    for (const [index, { needs, after }] of nodes.entries()) {
      for (const list of [needs, after]) {
        for (const id of list) {
          const needed = placeOf.get(id)
          if (needed !== undefined) visit(needed, index)
        }
      }
    }
  }
  eachWait((needed, index) => {
    starts[needed + 1] = (starts[needed + 1] as number) + 1
    waitingFor[index] = (waitingFor[index] as number) + 1
  })
  for (let index = 0; index < nodes.length; index++) {
    starts[index + 1] = (starts[index + 1] as number) + (starts[index] as number)
  }
  const filled = starts.slice()
  const all = new Uint32Array(starts[nodes.length] as number)
  eachWait((needed, index) => {
    all[filled[needed] as number] = index
    filled[needed] = (filled[needed] as number) + 1
  })
  return (index: number) => all.subarray(starts[index], starts[index + 1])
}
