// A list that scrolls. Of thousands of rows only the visible ones are in the document.
import { createVirtualizer } from '@tanstack/solid-virtual'
import { For, type JSX, Show } from 'solid-js'

export function VirtualRows<Item extends object>(props: {
  list: readonly Item[]
  label: string
  class: string
  /** In pixels, as in the style sheet. */
  rowHeight: number
  rowClass: (item: Item) => string
  children: (item: () => Item) => JSX.Element
}) {
  let scroller: HTMLDivElement | undefined
  const virtual = createVirtualizer({
    get count() {
      return props.list.length
    },
    getScrollElement: () => scroller ?? null,
    estimateSize: () => props.rowHeight,
    overscan: 8,
  })
  return (
    <section class={props.class} aria-label={props.label} tabindex="0" ref={scroller}>
      <ul style={{ height: `${virtual.getTotalSize()}px` }}>
        <For each={virtual.getVirtualItems()}>
          {(row) => (
            <Show when={props.list[row.index]}>
              {(item) => (
                <li
                  class={props.rowClass(item())}
                  style={{ transform: `translateY(${row.start}px)` }}
                  aria-posinset={row.index + 1}
                  aria-setsize={props.list.length}
                >
                  {props.children(item)}
                </li>
              )}
            </Show>
          )}
        </For>
      </ul>
    </section>
  )
}
