// What was applied to each table: searched, sorted, and of thousands only those in sight in the document.
import { createVirtualizer } from '@tanstack/solid-virtual'
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { TableChanges } from '../../shared/follow.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { showName } from '../../shared/table-name.ts'
import { rowsText, t } from '../i18n/index.ts'
import { isWorked } from '../state/follows.ts'

interface Changed extends TableChanges {
  way: 'forward' | 'back'
  sum: number
}

const rowHeight = 36
const counts = ['inserts', 'updates', 'deletes', 'truncates'] as const

export function ChangeList(props: { view: FollowView }) {
  const [search, setSearch] = createSignal('')
  const [sort, setSort] = createSignal<'changes' | 'name'>('changes')
  const all = createMemo(() => changesOf(props.view))
  const shown = createMemo(() => {
    const text = search().toLowerCase()
    const found = all().filter((table) => showName(table).toLowerCase().includes(text))
    return found.sort((one, other) =>
      sort() === 'changes' && one.sum !== other.sum
        ? other.sum - one.sum
        : showName(one).localeCompare(showName(other)),
    )
  })
  return (
    <Show when={props.view.streams.length > 0}>
      <section
        class="panel tables changes"
        classList={{ old: !isWorked(props.view) }}
        aria-labelledby="changes"
      >
        <h2 id="changes">
          {t('follow.changes.title')} <span class="quiet numbers">{rowsText(all().length)}</span>
        </h2>
        <p class="quiet">{t('follow.changes.lead')}</p>
        <div class="toolbar">
          <input
            type="search"
            class="grow"
            aria-label={t('selection.searchLabel')}
            placeholder={t('selection.searchLabel')}
            value={search()}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
          <label class="inline">
            {t('run.sort')}
            <select
              value={sort()}
              onChange={(event) => setSort(event.currentTarget.value as 'changes' | 'name')}
            >
              <option value="changes">{t('follow.changes.sortChanges')}</option>
              <option value="name">{t('run.sortName')}</option>
            </select>
          </label>
        </div>
        <Show
          when={shown().length > 0}
          fallback={
            <p class="empty small">
              {t(all().length === 0 ? 'follow.changes.none' : 'follow.changes.noMatch')}
            </p>
          }
        >
          <Rows tables={shown()} />
        </Show>
      </section>
    </Show>
  )
}

function Rows(props: { tables: Changed[] }) {
  let scroller: HTMLDivElement | undefined
  const virtual = createVirtualizer({
    get count() {
      return props.tables.length
    },
    getScrollElement: () => scroller ?? null,
    estimateSize: () => rowHeight,
    overscan: 8,
  })
  return (
    <div>
      <p class="change-row head" aria-hidden="true">
        <span>{t('follow.changes.table')}</span>
        <For each={counts}>{(count) => <span class="right">{t(`follow.changes.${count}`)}</span>}</For>
      </p>
      <section class="change-rows" aria-label={t('follow.changes.list')} tabindex="0" ref={scroller}>
        <ul style={{ height: `${virtual.getTotalSize()}px` }}>
          <For each={virtual.getVirtualItems()}>
            {(item) => (
              <Show when={props.tables[item.index]}>
                {(table) => (
                  <li
                    class="change-row"
                    style={{ transform: `translateY(${item.start}px)` }}
                    aria-posinset={item.index + 1}
                    aria-setsize={props.tables.length}
                  >
                    <span class="table-name" title={showName(table())}>
                      {showName(table())}
                      <Show when={table().way === 'back'}>
                        <span class="tag">{t('follow.back')}</span>
                      </Show>
                    </span>
                    <For each={counts}>
                      {(count) => (
                        <span class="right numbers">
                          <span class="for-readers">{t(`follow.changes.${count}`)} </span>
                          {rowsText(table()[count])}
                        </span>
                      )}
                    </For>
                  </li>
                )}
              </Show>
            )}
          </For>
        </ul>
      </section>
    </div>
  )
}

function changesOf({ streams }: FollowView): Changed[] {
  return streams.flatMap(({ direction, status }) =>
    status.tables.map((table) => ({
      ...table,
      way: direction,
      sum: table.inserts + table.updates + table.deletes + table.truncates,
    })),
  )
}
