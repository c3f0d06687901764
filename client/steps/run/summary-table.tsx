// All tables of a finished run, for printing. On the screen the table list shows them.
import { For } from 'solid-js'
import type { Summary } from '../../../shared/summary.ts'
import { showName } from '../../../shared/table-name.ts'
import { bytesText, durationText, rowsText, t } from '../../i18n/index.ts'

export function SummaryTable(props: { summary: Summary; onScreen?: boolean }) {
  return (
    <section
      class="summary-table scroll-x tall"
      classList={{ 'only-print': !props.onScreen }}
      aria-label={t('run.tables')}
      tabindex={props.onScreen ? 0 : undefined}
    >
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
