// The parts of a table. One tab stop: arrows move between them.
// https://www.w3.org/WAI/ARIA/apg/patterns/tabs/
import { createUniqueId, For, type JSX, Show } from 'solid-js'

export const tabNames = ['columns', 'keys', 'indexes', 'triggers', 'rows'] as const
export type TabName = (typeof tabNames)[number]

interface Tab {
  name: TabName
  title: string
  count?: string
}

export function Tabs(props: {
  label: string
  tabs: readonly Tab[]
  chosen: TabName
  onChoose: (name: TabName) => void
  children: JSX.Element
}) {
  const id = createUniqueId()
  let list: HTMLDivElement | undefined
  function onKey(event: KeyboardEvent) {
    const at = tabNames.indexOf(props.chosen)
    const last = tabNames.length - 1
    const targets: Record<string, number> = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    }
    const to = tabNames[targets[event.key] ?? -1]
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    props.onChoose(to)
    list?.querySelector<HTMLElement>('[aria-selected=true]')?.focus()
  }
  return (
    <div class="tabs">
      <div
        class="tab-list"
        role="tablist"
        tabIndex="-1"
        aria-label={props.label}
        onKeyDown={onKey}
        ref={list}
      >
        <For each={tabNames}>
          {(name) => {
            const tab = () => props.tabs.find((one) => one.name === name)
            return (
              <button
                type="button"
                role="tab"
                class="tab"
                id={`${id}-${name}`}
                aria-selected={props.chosen === name}
                aria-controls={`${id}-panel`}
                tabIndex={props.chosen === name ? 0 : -1}
                onClick={() => props.onChoose(name)}
              >
                {tab()?.title}
                <Show when={tab()?.count}>
                  {(count) => (
                    <>
                      {' '}
                      <span class="tab-count numbers">{count()}</span>
                    </>
                  )}
                </Show>
              </button>
            )
          }}
        </For>
      </div>
      <div class="tab-panel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${props.chosen}`}>
        {props.children}
      </div>
    </div>
  )
}
