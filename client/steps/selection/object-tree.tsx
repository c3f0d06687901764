// The tree of objects. Only visible lines are in the document. It is one tab stop:
// arrows and letters move, space selects, enter shows details.
// https://www.w3.org/WAI/ARIA/apg/patterns/treeview/
import { createVirtualizer } from '@tanstack/solid-virtual'
import { batch, createEffect, createMemo, createSignal, For, on, Show } from 'solid-js'
import { t } from '../../i18n/index.ts'
import { selectInTree } from '../../state/draft.ts'
import { selectAll, setSelected, sourceTree } from '../../state/source.ts'
import { checkState, countSelected, keysOf, type Leaf, type Tree } from '../../state/tree.ts'
import { keepsOf, usualSize } from '../../state/tree-filter.ts'
import {
  found,
  keysAbove,
  keysOfAll,
  rowAbove,
  type TreeRow,
  treeRows,
  typedTo,
} from '../../state/tree-rows.ts'
import { Missing } from './missing.tsx'
import { type Look, Toolbar } from './toolbar.tsx'
import { nameOf, rowId, TreeLine } from './tree-line.tsx'

const rowHeight = 30
/** Letters that follow each other more slowly start a new name. */
const typingPauseMs = 700

export function ObjectTree(props: {
  tree: Tree
  chosen: string | undefined
  /** An object to show: what is above it is expanded. */
  jump: Leaf | undefined
  onChoose: (leaf: Leaf) => void
}) {
  const [open, setOpen] = createSignal<ReadonlySet<string>>(firstOpen(props.tree))
  const [look, setLook] = createSignal<Look>({
    search: '',
    filter: undefined,
    bytes: usualSize,
    sort: 'name',
  })
  const [active, setActive] = createSignal<string>()
  let scroller: HTMLDivElement | undefined
  let typed = { text: '', at: 0 }

  const narrowing = createMemo(() => {
    const { search, filter, bytes } = look()
    return { search, keeps: keepsOf(filter, bytes) }
  })
  const rows = createMemo(() => treeRows(props.tree, { ...narrowing(), open: open(), sort: look().sort }))
  const narrowed = createMemo(() => found(props.tree, narrowing()))
  const counts = createMemo(() => countSelected(props.tree, sourceTree().selected))
  // The first line until another is chosen.
  const activeIndex = createMemo(() =>
    Math.max(
      0,
      rows().findIndex(({ key }) => key === active()),
    ),
  )
  const virtual = createVirtualizer({
    get count() {
      return rows().length
    },
    getScrollElement: () => scroller ?? null,
    estimateSize: () => rowHeight,
    getItemKey: (index) => rows()[index]?.key ?? index,
    overscan: 12,
  })
  // After another order or search, scroll to the top.
  createEffect(on(look, () => scroller?.scrollTo({ top: 0 }), { defer: true }))
  createEffect(
    on(
      () => props.jump,
      (leaf) => {
        if (!leaf) return
        batch(() => {
          setLook({ ...look(), search: '', filter: undefined })
          setOpen(new Set([...open(), ...keysAbove(leaf)]))
          setActive(leaf.key)
        })
        const index = rows().findIndex(({ key }) => key === leaf.key)
        if (index >= 0) virtual.scrollToIndex(index, { align: 'center' })
      },
    ),
  )

  const stateOf = ({ key }: TreeRow) => {
    const count = counts().get(key)
    if (count) return checkState(count)
    return sourceTree().selected.has(key) ? 'all' : 'none'
  }
  function toggleSelected(row: TreeRow) {
    selectInTree()
    setSelected(keysOf(row.node, props.tree), stateOf(row) !== 'all')
  }
  function toggle(row: TreeRow, to = !row.open) {
    if (row.open === undefined) return
    const next = new Set(open())
    if (to) next.add(row.key)
    else next.delete(row.key)
    setOpen(next)
  }
  function choose(row: TreeRow) {
    if ('facts' in row.node) props.onChoose(row.node)
    else toggle(row)
  }
  function moveTo(index: number) {
    const to = Math.max(0, Math.min(rows().length - 1, index))
    setActive(rows()[to]?.key)
    virtual.scrollToIndex(to)
  }
  function typing({ key, timeStamp }: KeyboardEvent): (() => void) | undefined {
    if ([...key].length !== 1) return undefined
    const isLater = timeStamp - typed.at > typingPauseMs
    typed = { text: isLater ? key : typed.text + key, at: timeStamp }
    const to = typedTo(
      rows().map(({ node }) => ({ name: nameOf(node) })),
      activeIndex(),
      typed.text,
    )
    return to === undefined ? () => undefined : () => moveTo(to)
  }
  function onKey(event: KeyboardEvent) {
    const index = activeIndex()
    const row = rows()[index]
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor((scroller?.clientHeight ?? 300) / rowHeight) - 1)
    const actions: Record<string, () => void> = {
      ArrowDown: () => moveTo(index + 1),
      ArrowUp: () => moveTo(index - 1),
      PageDown: () => moveTo(index + page),
      PageUp: () => moveTo(index - page),
      Home: () => moveTo(0),
      End: () => moveTo(rows().length - 1),
      ArrowRight: () => (row.open === false ? toggle(row, true) : moveTo(row.open ? index + 1 : index)),
      ArrowLeft: () => (row.open ? toggle(row, false) : moveTo(rowAbove(rows(), index))),
      ' ': () => toggleSelected(row),
      Enter: () => choose(row),
    }
    const action = actions[event.key] ?? typing(event)
    if (!action) return
    event.preventDefault()
    action()
  }

  return (
    <>
      <Toolbar
        look={look()}
        onLook={(changed) => setLook({ ...look(), ...changed })}
        found={narrowed()?.length}
        onAll={(on) => {
          selectInTree()
          const some = narrowed()
          if (some) setSelected(keysOfAll(props.tree, some), on)
          else selectAll(on)
        }}
        onOpenAll={(all) => setOpen(all ? everyNode(props.tree) : new Set())}
      />
      <Missing tree={props.tree} />
      <Show
        when={rows().length > 0}
        fallback={
          <div class="empty small" role="status">
            <p>
              {look().search ? t('selection.noMatch', { text: look().search }) : t('selection.noneFound')}
            </p>
            <button type="button" onClick={() => setLook({ ...look(), search: '', filter: undefined })}>
              {t('selection.clearFilter')}
            </button>
          </div>
        }
      >
        <div
          class="tree"
          role="tree"
          aria-multiselectable="true"
          aria-label={t('selection.tree')}
          aria-activedescendant={rows()[activeIndex()] && rowId(rows()[activeIndex()]?.key ?? '')}
          tabIndex="0"
          ref={scroller}
          onKeyDown={onKey}
        >
          <div class="tree-canvas" role="none" style={{ height: `${virtual.getTotalSize()}px` }}>
            <For each={virtual.getVirtualItems()}>
              {(item) => (
                <Show when={rows()[item.index]}>
                  {(row) => (
                    <TreeLine
                      row={row()}
                      top={item.start}
                      state={stateOf(row())}
                      count={counts().get(row().key)}
                      active={item.index === activeIndex()}
                      chosen={row().key === props.chosen}
                      onToggle={() => toggle(row())}
                      onSelect={() => toggleSelected(row())}
                      onChoose={() => choose(row())}
                      onActive={() => setActive(row().key)}
                    />
                  )}
                </Show>
              )}
            </For>
          </div>
        </div>
      </Show>
    </>
  )
}

/** A small database starts expanded, a large one with its schemas only. */
function firstOpen({ schemas, leaves }: Tree): ReadonlySet<string> {
  if (schemas.length > 12) return new Set()
  const tables = schemas.flatMap(({ kinds }) => kinds.filter(({ kind }) => kind === 'tables'))
  const few = leaves.length <= 200 || schemas.length === 1
  return new Set([...schemas.map(({ key }) => key), ...(few ? tables.map(({ key }) => key) : [])])
}

function everyNode({ schemas, leaves }: Tree): ReadonlySet<string> {
  const nodes = schemas.flatMap(({ key, kinds }) => [key, ...kinds.map((kind) => kind.key)])
  const partitioned = leaves.filter(({ partitions }) => partitions.length > 0)
  return new Set([...nodes, ...partitioned.map(({ key }) => key)])
}
