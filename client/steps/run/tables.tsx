// Every table with its bar: filtered, sorted, and of thousands only those in sight in the document.
import { createVirtualizer } from '@tanstack/solid-virtual'
import { createMemo, createSignal, For, Show } from 'solid-js'
import { formatPercent } from '../../../shared/format.ts'
import type { TableProgress } from '../../../shared/progress.ts'
import { showName } from '../../../shared/table-name.ts'
import { bytesText, durationText, rowsText, t } from '../../i18n/index.ts'
import { Bar } from '../../parts/bar.tsx'
import { job } from '../../state/job.ts'
import {
  countStatuses,
  type TableSort,
  type TableStatus,
  tableSorts,
  tableStatuses,
  visibleTables,
} from '../../state/table-order.ts'

const rowHeight = 52
const sortWords = {
  status: 'run.sortStatus',
  name: 'run.sortName',
  size: 'run.sortSize',
  seconds: 'run.sortSeconds',
} as const

export function TableList() {
  const [status, setStatus] = createSignal<TableStatus | 'all'>('all')
  const [sort, setSort] = createSignal<TableSort>('status')
  const [search, setSearch] = createSignal('')
  const counts = createMemo(() => countStatuses(job.tables()))
  const tables = createMemo(() =>
    visibleTables(job.tables(), { status: status(), sort: sort(), search: search() }),
  )
  return (
    <section class="panel tables" aria-labelledby="tables">
      <h2 id="tables">
        {t('run.tables')} <span class="quiet numbers">{rowsText(job.tables().length)}</span>
      </h2>
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
          {t('run.filter')}
          <select
            value={status()}
            onChange={(event) => setStatus(event.currentTarget.value as TableStatus | 'all')}
          >
            <option value="all">{t('run.filterAll')}</option>
            <For each={tableStatuses}>
              {(one) => (
                <option value={one}>
                  {t(`run.status.${one}`)} ({rowsText(counts()[one])})
                </option>
              )}
            </For>
          </select>
        </label>
        <label class="inline">
          {t('run.sort')}
          <select value={sort()} onChange={(event) => setSort(event.currentTarget.value as TableSort)}>
            <For each={tableSorts}>{(one) => <option value={one}>{t(sortWords[one])}</option>}</For>
          </select>
        </label>
      </div>
      <Show when={tables().length > 0} fallback={<p class="empty small">{t('run.noTables')}</p>}>
        <Rows tables={tables()} />
      </Show>
    </section>
  )
}

function Rows(props: { tables: TableProgress[] }) {
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
    <section class="table-rows" aria-label={t('run.tableList')} tabindex="0" ref={scroller}>
      <ul style={{ height: `${virtual.getTotalSize()}px` }}>
        <For each={virtual.getVirtualItems()}>
          {(item) => (
            <Show when={props.tables[item.index]}>
              {(table) => (
                <Row table={table()} top={item.start} place={item.index + 1} of={props.tables.length} />
              )}
            </Show>
          )}
        </For>
      </ul>
    </section>
  )
}

function Row(props: { table: TableProgress; top: number; place: number; of: number }) {
  const name = () => showName(props.table)
  const tones = {
    completed: 'good',
    failed: 'bad',
    cancelled: 'warn',
    skipped: 'warn',
    in_progress: '',
    pending: '',
  }
  return (
    <li
      class={`table-row ${props.table.status}`}
      style={{ transform: `translateY(${props.top}px)` }}
      aria-posinset={props.place}
      aria-setsize={props.of}
    >
      <span class="table-name" title={name()}>
        {name()}
      </span>
      <span class="table-status">{t(`run.status.${props.table.status}`)}</span>
      <span class="table-rows-done numbers">
        {t('selection.rows', { count: rowsText(props.table.migrated_rows) })}
        <Show when={props.table.collided > 0}>
          <span class="quiet"> ({t('run.collided', { count: rowsText(props.table.collided) })})</span>
        </Show>
      </span>
      <span class="table-bytes numbers">{bytesText(props.table.migrated_bytes)}</span>
      <span class="table-seconds numbers">
        {props.table.copy_seconds > 0 ? durationText(props.table.copy_seconds) : ''}
      </span>
      <span class="table-percent numbers">{formatPercent(props.table.percent)}</span>
      <Bar percent={props.table.percent} label={name()} tone={tones[props.table.status]} />
    </li>
  )
}
