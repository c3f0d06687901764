import { For, Show } from 'solid-js'
import type { PlanAnswer } from '../../../shared/plan-api.ts'
import { showName } from '../../../shared/table-name.ts'
import { bytesText, estimateText, rowsText, t } from '../../i18n/index.ts'

const shown = 200

/** The largest first, since they take longest. */
export function PlanTables(props: { tables: PlanAnswer['tables'] }) {
  const sorted = () => props.tables.toSorted((one, other) => other.bytes - one.bytes)
  return (
    <Show when={props.tables.length > 0}>
      <details class="plan-tables">
        <summary>{t('options.tableList')}</summary>
        <section class="scroll-x tall" aria-label={t('options.tableList')} tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('run.tableColumn')}</th>
                <th scope="col" class="right">
                  {t('run.rows')}
                </th>
                <th scope="col" class="right">
                  {t('run.bytes')}
                </th>
                <th scope="col">{t('options.each.existingDataMode.label')}</th>
              </tr>
            </thead>
            <tbody>
              <For each={sorted().slice(0, shown)}>
                {(table) => (
                  <tr>
                    <th scope="row">
                      {showName(table)}
                      <Show when={table.where}>{(where) => <code> where {where()}</code>}</Show>
                    </th>
                    <td class="right numbers">{estimateText(table.rows)}</td>
                    <td class="right numbers">{bytesText(table.bytes)}</td>
                    <td>{table.mode}</td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
          <Show when={props.tables.length > shown}>
            <p class="quiet">{t('selection.andMore', { count: rowsText(props.tables.length - shown) })}</p>
          </Show>
        </section>
      </details>
    </Show>
  )
}
