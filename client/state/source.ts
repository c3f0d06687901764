// The objects of the source, once read, and the selection.
import { batch, createSignal } from 'solid-js'
import type { Browse, Conn } from '../../shared/api.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { buildTree, everyKey, type Ticked, type Tree, withKeys } from './tree.ts'

interface Ticks {
  tree: Tree | undefined
  ticked: Ticked
}

const [known, setKnown] = createSignal<Ticks>({ tree: undefined, ticked: new Set() })
const [browsed, setBrowsed] = createSignal<Browse>()
const [reading, setReading] = createSignal(false)
const [problem, setProblem] = createSignal<CallFailed>()
/** The connection that the tree belongs to. */
let readFrom = ''
let current: AbortController | undefined

export const ticks = known
export const source = { browsed, reading, problem }

export function setTicked(keys: Iterable<string>, on: boolean) {
  setKnown(({ tree, ticked }) => ({ tree, ticked: withKeys(ticked, keys, on) }))
}

export function tickAll(on: boolean) {
  setKnown(({ tree }) => ({ tree, ticked: on && tree ? everyKey(tree) : new Set() }))
}

/** Reads the source unless it was read. The selection stays; new objects are selected. */
export async function readSource(connection: Conn, { again = false } = {}) {
  const from = JSON.stringify(connection)
  if (!again && from === readFrom && (browsed() || reading())) return
  const isSame = from === readFrom
  readFrom = from
  current?.abort()
  const controller = new AbortController()
  current = controller
  batch(() => {
    setReading(true)
    setProblem(undefined)
  })
  try {
    const answer = await api.browse(connection, controller.signal)
    if (!controller.signal.aborted) take(answer, isSame)
  } catch (error) {
    if (controller.signal.aborted) return
    batch(() => {
      setProblem(error as CallFailed)
      if (!isSame) forget()
    })
  } finally {
    if (current === controller) setReading(false)
  }
}

function take(answer: Browse, isSame: boolean) {
  const tree = buildTree(answer)
  const before = known()
  const unticked = new Set(
    isSame && before.tree ? [...everyKey(before.tree)].filter((key) => !before.ticked.has(key)) : [],
  )
  batch(() => {
    setBrowsed(answer)
    setKnown({ tree, ticked: withKeys(everyKey(tree), unticked, false) })
  })
}

function forget() {
  setBrowsed(undefined)
  setKnown({ tree: undefined, ticked: new Set() })
}
