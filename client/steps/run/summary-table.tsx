// All tables of a finished run, for printing. On the screen the table list shows them.
import { createSignal, For, onCleanup, onMount, Show } from 'solid-js'
import type { Summary } from '../../../shared/summary.ts'
import { showName } from '../../../shared/table-name.ts'
import { bytesText, durationText, rowsText, t } from '../../i18n/index.ts'

function SummaryTable(props: { summary: Summary }) {
  return (
    <section class="summary-table only-print" aria-label={t('run.tables')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('run.tableColumn')}</th>
            <th scope="col">{t('run.sortStatus')}</th>
            <th scope="col" class="right">
              {t('run.rowsColumn')}
            </th>
            <th scope="col" class="right">
              {t('run.bytes')}
            </th>
            <th scope="col" class="right">
              {t('run.copyColumn')}
            </th>
            <th scope="col" class="right">
              {t('run.indexColumn')}
            </th>
          </tr>
        </thead>
        <tbody>
          <For each={props.summary.tables.slice(0, limit)}>
            {(table) => (
              <tr>
                <th scope="row">{showName(table)}</th>
                <td>{t(`run.status.${table.status}`)}</td>
                <td class="right numbers">{rowsText(table.rows)}</td>
                <td class="right numbers">{bytesText(table.bytes)}</td>
                <td class="right numbers">{durationText(table.seconds)}</td>
                <td class="right numbers">{durationText(table.index_seconds)}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </section>
  )
}

/** The JSON file lists all of them. */
const limit = 2_000

/** In the document only while it is printed: all tables together would be tens of thousands of elements. */
export function PrintedTables(props: { summary: Summary }) {
  const [printing, setPrinting] = createSignal(false)
  const start = () => setPrinting(true)
  const end = () => setPrinting(false)
  onMount(() => {
    addEventListener('beforeprint', start)
    addEventListener('afterprint', end)
  })
  onCleanup(() => {
    removeEventListener('beforeprint', start)
    removeEventListener('afterprint', end)
  })
  return (
    <Show when={printing()}>
      <SummaryTable summary={props.summary} />
    </Show>
  )
}
