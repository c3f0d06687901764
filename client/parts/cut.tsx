// A list of any length.

import { createSignal, createUniqueId, For, type JSX, Show } from 'solid-js'
import { rowsText, t } from '../i18n/index.ts'

/** Shows the first items, and all of them on request. */
export function Cut<Item>(props: { list: readonly Item[]; each: (item: Item) => JSX.Element }) {
  const first = 50
  const id = createUniqueId()
  const [all, setAll] = createSignal(false)
  return (
    <>
      <ul class="cut" id={id} tabindex="0">
        <For each={all() ? props.list : props.list.slice(0, first)}>{(item) => props.each(item)}</For>
      </ul>
      <Show when={!all() && props.list.length > first}>
        <button type="button" class="small" aria-controls={id} onClick={() => setAll(true)}>
          {t('options.all', { count: rowsText(props.list.length) })}
        </button>
      </Show>
    </>
  )
}
