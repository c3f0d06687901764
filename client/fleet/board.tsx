// The board. Only visible lines are in the document. Arrows move from line to line, expand and collapse them;
// the tab key moves on to the actions.
import { createVirtualizer } from '@tanstack/solid-virtual'
import { createEffect, createMemo, createSignal, For, Match, on, Show, Switch } from 'solid-js'
import { t } from '../i18n/index.ts'
import { type BoardMapping, type BoardRow, boardRows } from '../state/fleet-rows.ts'
import type { OnAsk } from './actions.tsx'
import { DatabaseMore, MappingMore } from './more.tsx'
import { BoardLine, columns, type Line } from './row.tsx'
import type { Shown } from './toolbar.tsx'

const heights = { mapping: 58, 'mapping-more': 120, database: 42, 'database-more': 110 }

export function Board(props: { mappings: readonly BoardMapping[]; shown: Shown; onAsk: OnAsk }) {
  const [active, setActive] = createSignal<string>()
  let scroller: HTMLDivElement | undefined
  const rows = createMemo(() => boardRows(props.mappings, props.shown.choice()))
  const keys = createMemo(() => rows().map(({ key }) => key), [], { equals: isSameList })
  const byKey = createMemo(() => new Map(rows().map((row) => [row.key, row])))
  const virtual = createVirtualizer({
    get count() {
      return rows().length
    },
    getScrollElement: () => scroller ?? null,
    estimateSize: (index) => heights[rows()[index]?.kind ?? 'database'],
    // A new function whenever the lines change: a measured height belongs to its line, not to its index.
    get getItemKey() {
      const now = keys()
      return (index: number) => now[index] ?? index
    },
    overscan: 6,
  })
  const inSight = createMemo(
    () => new Map(virtual.getVirtualItems().map(({ key, index, start }) => [String(key), { index, start }])),
  )
  // After another order or search, scroll to the top.
  createEffect(
    on(
      () => [props.shown.choice().search, props.shown.choice().sort, props.shown.choice().state],
      () => scroller?.scrollTo({ top: 0 }),
      { defer: true },
    ),
  )

  const activeIndex = createMemo(() =>
    Math.max(
      0,
      rows().findIndex(({ key }) => key === active()),
    ),
  )
  const isLine = (row: BoardRow | undefined): row is Line => row !== undefined && 'open' in row
  /** The next line from there on; details of a line do not count. */
  function moveTo(from: number, step: 1 | -1) {
    let index = Math.max(0, Math.min(rows().length - 1, from))
    while (rows()[index] && !isLine(rows()[index])) index += step
    const row = rows()[index]
    if (!row) return
    setActive(row.key)
    virtual.scrollToIndex(index)
    focusLine(row.key)
  }
  /** It is in the document only after scrolling to it. */
  function focusLine(key: string, framesLeft = 20) {
    const line = scroller?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"] .board-toggle`)
    if (line) line.focus({ preventScroll: true })
    else if (framesLeft > 0) requestAnimationFrame(() => focusLine(key, framesLeft - 1))
  }
  function onKey(event: KeyboardEvent) {
    const target = event.target as HTMLElement
    const isOurs = target === scroller || target.classList.contains('board-toggle')
    if (!isOurs || event.ctrlKey || event.metaKey || event.altKey) return
    const index = activeIndex()
    const row = rows()[index]
    if (!isLine(row)) return
    const actions: Record<string, () => void> = {
      ArrowDown: () => moveTo(target === scroller ? index : index + 1, 1),
      ArrowUp: () => moveTo(index - 1, -1),
      PageDown: () => moveTo(index + 10, 1),
      PageUp: () => moveTo(index - 10, -1),
      Home: () => moveTo(0, 1),
      End: () => moveTo(rows().length - 1, -1),
      ArrowRight: () => (row.open ? moveTo(index + 1, 1) : props.shown.toggle(row)),
      ArrowLeft: () => (row.open ? props.shown.toggle(row) : moveTo(index - 1, -1)),
    }
    const action = actions[event.key]
    if (!action) return
    event.preventDefault()
    action()
  }

  return (
    <>
      <Show when={rows().length === 0}>
        <p class="empty small">{t('fleet.noMatch')}</p>
      </Show>
      {/* It stays in the document: what measures its lines knows no other element. */}
      <div class="board" hidden={rows().length === 0}>
        <div class="board-row head" aria-hidden="true">
          <span>{t('fleet.columns.name')}</span>
          <For each={columns}>
            {(column) => <span class={`board-cell ${column}`}>{t(`fleet.columns.${column}`)}</span>}
          </For>
        </div>
        <section
          class="board-rows"
          aria-label={t('fleet.list')}
          tabindex="0"
          ref={scroller}
          onKeyDown={onKey}
        >
          <ul style={{ height: `${virtual.getTotalSize()}px` }}>
            {/* By its key: an element stays with its line, so that its height is that line's. */}
            <For each={[...inSight().keys()]}>
              {(key) => {
                const place = () => inSight().get(key) ?? { index: 0, start: 0 }
                return (
                  <Show when={byKey().get(key)}>
                    {(row) => (
                      <li
                        data-index={place().index}
                        data-key={key}
                        ref={(element) => queueMicrotask(() => virtual.measureElement(element))}
                        style={{ transform: `translateY(${place().start}px)` }}
                        aria-posinset={place().index + 1}
                        aria-setsize={rows().length}
                      >
                        <Content
                          row={row()}
                          active={place().index === activeIndex()}
                          onToggle={(line) => props.shown.toggle(line)}
                          onActive={() => setActive(key)}
                          onAsk={props.onAsk}
                        />
                      </li>
                    )}
                  </Show>
                )
              }}
            </For>
          </ul>
        </section>
      </div>
    </>
  )
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index])
}

function Content(props: {
  row: BoardRow
  active: boolean
  onToggle: (line: Line) => void
  onActive: () => void
  onAsk: OnAsk
}) {
  const of = <Kind extends BoardRow['kind']>(kind: Kind) =>
    props.row.kind === kind ? (props.row as Extract<BoardRow, { kind: Kind }>) : undefined
  const line = () => of('mapping') ?? of('database')
  return (
    <Switch>
      <Match when={line()}>
        {(row) => (
          <BoardLine
            row={row()}
            active={props.active}
            onToggle={() => props.onToggle(row())}
            onActive={props.onActive}
          />
        )}
      </Match>
      <Match when={of('mapping-more')}>
        {(row) => <MappingMore mapping={row().mapping} onAsk={props.onAsk} />}
      </Match>
      <Match when={of('database-more')}>
        {(row) => <DatabaseMore mapping={row().mapping} database={row().database} onAsk={props.onAsk} />}
      </Match>
    </Switch>
  )
}
