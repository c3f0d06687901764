// The objects of the source, once read, and the selection.
import { batch, createSignal } from 'solid-js'
import type { Conn } from '../../shared/api.ts'
import type { Browse } from '../../shared/browse-api.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { buildTree, everyKey, type SelectedKeys, type Tree, withKeys } from './tree.ts'

interface SourceTree {
  tree: Tree | undefined
  selected: SelectedKeys
}

const [known, setKnown] = createSignal<SourceTree>({ tree: undefined, selected: new Set() })
const [browsed, setBrowsed] = createSignal<Browse>()
const [reading, setReading] = createSignal(false)
const [problem, setProblem] = createSignal<CallFailed>()
/** The connection that the tree belongs to. */
let readFrom = ''
let current: AbortController | undefined

export const sourceTree = known
export const source = { browsed, reading, problem }

export function setSelected(keys: Iterable<string>, on: boolean) {
  setKnown(({ tree, selected }) => ({ tree, selected: withKeys(selected, keys, on) }))
}

export function selectAll(on: boolean) {
  setKnown(({ tree }) => ({ tree, selected: on && tree ? everyKey(tree) : new Set() }))
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
  const unselected = new Set(
    isSame && before.tree ? [...everyKey(before.tree)].filter((key) => !before.selected.has(key)) : [],
  )
  batch(() => {
    setBrowsed(answer)
    setKnown({ tree, selected: withKeys(everyKey(tree), unselected, false) })
  })
}

function forget() {
  setBrowsed(undefined)
  setKnown({ tree: undefined, selected: new Set() })
}
