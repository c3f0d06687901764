// Tables and sequences of a report, with those that differ first.
import { For, Show } from 'solid-js'
import type { SwitchoverReport } from '../../shared/switchover.ts'
import { showName } from '../../shared/table-name.ts'
import { rowsText, t } from '../i18n/index.ts'

/** The JSON file lists all of them. */
const limit = 2_000

export function ReportTables(props: { report: SwitchoverReport }) {
  const tables = () =>
    props.report.tables.toSorted((one, other) => Number(one.equal) - Number(other.equal)).slice(0, limit)
  const sequences = () => props.report.sequences.slice(0, limit)
  return (
    <>
      <h3>{t('follow.report.tables')}</h3>
      <section class="scroll-x tall" aria-label={t('follow.report.tables')} tabindex="0">
        <table>
          <thead>
            <tr>
              <th scope="col">{t('follow.report.table')}</th>
              <th scope="col" class="right">
                {t('follow.report.sourceRows')}
              </th>
              <th scope="col" class="right">
                {t('follow.report.destinationRows')}
              </th>
              <th scope="col">{t('follow.report.equal')}</th>
              <th scope="col">{t('follow.report.proof')}</th>
            </tr>
          </thead>
          <tbody>
            <For each={tables()}>
              {(table) => (
                <tr classList={{ different: !table.equal }}>
                  <th scope="row">{showName(table)}</th>
                  <td class="right numbers">{rowsText(table.source_rows)}</td>
                  <td class="right numbers">{rowsText(table.destination_rows)}</td>
                  <td>{t(table.equal ? 'app.yes' : 'app.no')}</td>
                  <td>
                    {table.before
                      ? t('follow.report.proofBefore', {
                          lsn: table.before.lsn,
                          keys: rowsText(table.before.again),
                        })
                      : t('follow.report.proofWhole', {
                          by: t(`follow.report.comparedBy.${props.report.compared}`),
                        })}
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
        <More all={props.report.tables.length} />
      </section>
      <Show when={sequences().length > 0}>
        <h3>{t('follow.report.sequences')}</h3>
        <section class="scroll-x tall" aria-label={t('follow.report.sequences')} tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('follow.report.sequence')}</th>
                <th scope="col" class="right">
                  {t('follow.report.value')}
                </th>
              </tr>
            </thead>
            <tbody>
              <For each={sequences()}>
                {(sequence) => (
                  <tr>
                    <th scope="row">{showName(sequence)}</th>
                    <td class="right numbers">{sequence.value}</td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
          <More all={props.report.sequences.length} />
        </section>
      </Show>
    </>
  )
}

function More(props: { all: number }) {
  return (
    <Show when={props.all > limit}>
      <p class="quiet">{t('selection.andMore', { count: rowsText(props.all - limit) })}</p>
    </Show>
  )
}
