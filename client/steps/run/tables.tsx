// Every table with its progress, to be searched, filtered and sorted.
import { createMemo, createSignal, For, Show } from 'solid-js'
import { formatPercent } from '../../../shared/format.ts'
import type { TableProgress } from '../../../shared/progress.ts'
import { showName } from '../../../shared/table-name.ts'
import { bytesText, durationText, rowsText, t } from '../../i18n/index.ts'
import { Bar } from '../../parts/bar.tsx'
import { SearchField } from '../../parts/search-field.tsx'
import { Section } from '../../parts/section.tsx'
import { VirtualRows } from '../../parts/virtual-rows.tsx'
import {
  countStatuses,
  type TableSort,
  type TableStatus,
  tableSorts,
  tableStatuses,
  visibleTables,
} from '../../state/table-order.ts'

const sortWords = {
  status: 'run.sortStatus',
  name: 'run.sortName',
  size: 'run.sortSize',
  seconds: 'run.sortSeconds',
} as const

export function TableList(props: { tables: readonly TableProgress[] }) {
  const [status, setStatus] = createSignal<TableStatus | 'all'>('all')
  const [sort, setSort] = createSignal<TableSort>('status')
  const [search, setSearch] = createSignal('')
  const counts = createMemo(() => countStatuses(props.tables))
  const tables = createMemo(() =>
    visibleTables(props.tables, { status: status(), sort: sort(), search: search() }),
  )
  return (
    <Section class="tables" title={t('run.tables')} count={rowsText(props.tables.length)}>
      <div class="toolbar">
        <SearchField label={t('selection.searchLabel')} value={search()} onSearch={setSearch} />
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
        <VirtualRows
          list={tables()}
          label={t('run.tableList')}
          class="table-rows"
          rowHeight={52}
          rowClass={(table) => `table-row ${table.status}`}
        >
          {(table) => <Row table={table()} />}
        </VirtualRows>
      </Show>
    </Section>
  )
}

const tones = {
  completed: 'good',
  failed: 'bad',
  cancelled: 'warn',
  skipped: 'warn',
  in_progress: '',
  pending: '',
}

function Row(props: { table: TableProgress }) {
  const name = () => showName(props.table)
  return (
    <>
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
    </>
  )
}
