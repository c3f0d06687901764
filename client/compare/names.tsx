// A list of names with a state each: search, only differences, and one that is selected.
import { createMemo, createSignal, For, type JSX, onCleanup, Show } from 'solid-js'
import { rowsText, t } from '../i18n/index.ts'
import { SearchField } from '../parts/search-field.tsx'
import { VirtualRows } from '../parts/virtual-rows.tsx'

export interface Named {
  key: string
  name: string
  kind?: string
  status: 'same' | 'different' | 'missing' | 'extra' | 'unknown'
  /** At the end of the line. */
  about: string
}

export function Names<Item extends Named>(props: {
  list: readonly Item[]
  chosen: string | undefined
  onChoose: (key: string) => void
  /** Lists can contain equal ones too. */
  hasSame?: boolean
  before?: (item: Item) => JSX.Element
}) {
  const [search, setSearch] = createSignal('')
  const [onlyDifferent, setOnlyDifferent] = createSignal(true)
  const shown = createMemo(() => {
    const wanted = search().trim().toLowerCase()
    return props.list.filter(
      ({ name, kind = '', status }) =>
        (!onlyDifferent() || status !== 'same') && `${kind} ${name}`.toLowerCase().includes(wanted),
    )
  })
  // Paper shows all names, the screen only those in view.
  const [isPrinting, setIsPrinting] = createSignal(false)
  const begin = () => setIsPrinting(true)
  const end = () => setIsPrinting(false)
  addEventListener('beforeprint', begin)
  addEventListener('afterprint', end)
  onCleanup(() => {
    removeEventListener('beforeprint', begin)
    removeEventListener('afterprint', end)
  })
  return (
    <>
      <div class="toolbar">
        <SearchField label={t('compare.find')} value={search()} onSearch={setSearch} />
        <Show when={props.hasSame}>
          <label class="compare-box">
            <input
              type="checkbox"
              checked={onlyDifferent()}
              onChange={(event) => setOnlyDifferent(event.currentTarget.checked)}
            />
            <span>{t('compare.onlyDifferent')}</span>
          </label>
        </Show>
        <span class="quiet numbers">
          {t('compare.found', { shown: rowsText(shown().length), count: rowsText(props.list.length) })}
        </span>
      </div>
      <Show when={shown().length > 0} fallback={<p class="quiet">{t('compare.nothing')}</p>}>
        <VirtualRows
          list={shown()}
          label={t('compare.list')}
          class={`compare-names ${shown().length > 8 ? 'long' : ''}`}
          rowHeight={40}
          rowClass={(item) => `compare-name ${item.status} ${item.key === props.chosen ? 'chosen' : ''}`}
        >
          {(item) => (
            <>
              {props.before?.(item())}
              <button
                type="button"
                class="plain"
                aria-pressed={item().key === props.chosen}
                title={item().name}
                onClick={() => props.onChoose(item().key)}
              >
                <Show when={item().kind}>{(kind) => <span class="compare-kind quiet">{kind()}</span>}</Show>{' '}
                <span class="compare-text mono">{item().name}</span>
              </button>
              <span class="compare-about quiet numbers">{item().about}</span>
              <span class={`tag ${toneOf(item().status)}`}>{t(`compare.status.${item().status}`)}</span>
            </>
          )}
        </VirtualRows>
      </Show>
      <Show when={isPrinting()}>
        <ul class="only-print">
          <For each={shown()}>
            {({ kind, name, status, about }) => (
              <li>{[kind, name, t(`compare.status.${status}`), about].filter(Boolean).join(' · ')}</li>
            )}
          </For>
        </ul>
      </Show>
    </>
  )
}

function toneOf(status: Named['status']): string {
  return status === 'same' ? '' : status === 'unknown' ? 'bad' : 'warn'
}
