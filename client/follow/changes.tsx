// The changes that were applied to each table, to be searched and sorted.
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { TableChanges } from '../../shared/follow.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { showName } from '../../shared/table-name.ts'
import { rowsText, t } from '../i18n/index.ts'
import { SearchField } from '../parts/search-field.tsx'
import { VirtualRows } from '../parts/virtual-rows.tsx'
import { hasProcess } from '../state/follows.ts'

interface Changed extends TableChanges {
  way: 'forward' | 'back'
  sum: number
}

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
        classList={{ old: !hasProcess(props.view) }}
        aria-labelledby="changes"
      >
        <h2 id="changes">
          {t('follow.changes.title')} <span class="quiet numbers">{rowsText(all().length)}</span>
        </h2>
        <p class="quiet">{t('follow.changes.lead')}</p>
        <div class="toolbar">
          <SearchField label={t('selection.searchLabel')} value={search()} onSearch={setSearch} />
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
  return (
    <div>
      <p class="change-row head" aria-hidden="true">
        <span>{t('follow.changes.table')}</span>
        <For each={counts}>{(count) => <span class="right">{t(`follow.changes.${count}`)}</span>}</For>
      </p>
      <VirtualRows
        list={props.tables}
        label={t('follow.changes.list')}
        class="change-rows"
        rowHeight={36}
        rowClass={() => 'change-row'}
      >
        {(table) => (
          <>
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
          </>
        )}
      </VirtualRows>
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
