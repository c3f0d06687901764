// The result of a comparison of rows: tables, and the differing rows of the selected one.
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { DifferingRow, Drill, TableComparison } from '../../shared/comparison.ts'
import type { ComparisonResult } from '../../shared/comparison-api.ts'
import { showName, tableKey } from '../../shared/table-name.ts'
import { rowsText, t } from '../i18n/index.ts'
import { Disclosure } from '../parts/disclosure.tsx'
import { ErrorText } from '../parts/error-text.tsx'
import { Figure } from '../parts/fact.tsx'
import { Notice } from '../parts/notice.tsx'
import { Section } from '../parts/section.tsx'
import { Names } from './names.tsx'

type Data = NonNullable<ComparisonResult['data']>

export function TablesResult(props: { data: Data }) {
  const list = createMemo(() =>
    props.data.tables.map((table) => ({
      key: tableKey(table),
      name: showName(table),
      status: table.status,
      about: amountOf(table),
    })),
  )
  const firstDifferent = () => list().find(({ status }) => status !== 'same')?.key
  const [chosen, setChosen] = createSignal(firstDifferent())
  const table = () => props.data.tables.find((one) => tableKey(one) === chosen())
  return (
    <>
      <Show when={props.data.fast}>
        <Notice tone="info">
          <p>{t('compare.onlyCounted')}</p>
        </Notice>
      </Show>
      <Show when={props.data.rows_cut > 0}>
        <Notice tone="info">
          <p>{t('compare.rowsCut', { count: rowsText(props.data.rows_cut) })}</p>
        </Notice>
      </Show>
      <Section title={t('compare.tables')} count={rowsText(props.data.tables.length)}>
        <Names list={list()} chosen={chosen()} onChoose={setChosen} hasSame />
      </Section>
      <Show when={table()} keyed fallback={<p class="quiet">{t('compare.choose')}</p>}>
        {(one) => <TableDetail table={one} />}
      </Show>
      <Others data={props.data} />
    </>
  )
}

function TableDetail(props: { table: TableComparison }) {
  const count = (rows: number | undefined) => (rows === undefined ? '?' : rowsText(rows))
  return (
    <Section title={t('compare.rowsTitle', { table: showName(props.table) })}>
      <dl class="compare-facts">
        <Figure name={t('compare.sourceRows')}>{count(props.table.source?.rows)}</Figure>
        <Figure name={t('compare.destinationRows')}>{count(props.table.destination?.rows)}</Figure>
        <Show when={props.table.drill}>
          {(drill) => <Figure name={t('compare.difference')}>{totalsOf(drill())}</Figure>}
        </Show>
      </dl>
      <Show when={props.table.error}>
        {(error) => (
          <Notice
            tone="bad"
            title={
              props.table.error_side &&
              t('compare.error', { side: t(`connections.${props.table.error_side}`) })
            }
          >
            <ErrorText error={error()} />
          </Notice>
        )}
      </Show>
      <For each={['source', 'destination'] as const}>
        {(side) => (
          <Show when={props.table[`columns_only_on_${side}`].length > 0}>
            <p>
              {t('compare.onlyColumns', {
                side: t(`connections.${side}`),
                names: props.table[`columns_only_on_${side}`].join(', '),
              })}
            </p>
          </Show>
        )}
      </For>
      <For each={props.table.types}>{(type) => <p class="quiet">{t('compare.types', { ...type })}</p>}</For>
      <Show when={props.table.drill} fallback={<p class="quiet">{t('compare.noRows')}</p>}>
        {(drill) => <Rows drill={drill()} />}
      </Show>
    </Section>
  )
}

function Rows(props: { drill: Drill }) {
  const total = () => props.drill.missing + props.drill.extra + props.drill.different
  return (
    <Show when={props.drill.key} fallback={<p class="quiet">{t('compare.noKey')}</p>}>
      {(key) => (
        <>
          <Show when={props.drill.rows.length < total()}>
            <p class="quiet">
              {t('compare.rowsShown', {
                shown: rowsText(props.drill.rows.length),
                count: rowsText(total()),
              })}
            </p>
          </Show>
          <section class="scroll-x compare-rows" tabindex="0" aria-label={t('compare.bothSides')}>
            <Show
              when={props.drill.columns}
              fallback={<Keys rows={props.drill.rows} keyNames={key().join(', ')} />}
            >
              {(columns) => <Values rows={props.drill.rows} columns={columns()} />}
            </Show>
          </section>
        </>
      )}
    </Show>
  )
}

/** Without values: the keys, and the names of the columns that differ. */
function Keys(props: { rows: readonly DifferingRow[]; keyNames: string }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{`${t('compare.key')} (${props.keyNames})`}</th>
          <th scope="col">{t('compare.difference')}</th>
          <th scope="col">{t('compare.columns')}</th>
        </tr>
      </thead>
      <tbody>
        <For each={props.rows}>
          {(row) => (
            <tr>
              <th scope="row" class="mono">
                {row.key.join(', ')}
              </th>
              <td>{t(`compare.row.${row.change}`)}</td>
              <td class="mono">{row.columns?.join(', ')}</td>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  )
}

/** Both sides of a row below each other, so that values of one column can be compared. */
function Values(props: { rows: readonly DifferingRow[]; columns: readonly string[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{t('compare.difference')}</th>
          <th scope="col">{t('compare.side')}</th>
          <For each={props.columns}>
            {(column) => (
              <th scope="col" class="mono">
                {column}
              </th>
            )}
          </For>
        </tr>
      </thead>
      <For each={props.rows}>
        {(row) => (
          <tbody>
            <For each={['source', 'destination'] as const}>
              {(side, at) => (
                <tr>
                  <Show when={at() === 0}>
                    <th scope="rowgroup" rowspan="2">
                      {t(`compare.row.${row.change}`)}
                    </th>
                  </Show>
                  <th scope="row">{t(`connections.${side}`)}</th>
                  <Show
                    when={row.values?.[side]}
                    fallback={
                      <td class="quiet" colspan={props.columns.length}>
                        {row.rows
                          ? `${row.key.join(', ')}: ${rowsText(row.rows[side])}`
                          : t('compare.absent')}
                      </td>
                    }
                  >
                    {(values) => (
                      <For each={values()}>
                        {(value, column) => (
                          <td class="mono">
                            <Value
                              value={value}
                              differs={row.columns?.includes(props.columns[column()] ?? '') ?? false}
                            />
                          </td>
                        )}
                      </For>
                    )}
                  </Show>
                </tr>
              )}
            </For>
          </tbody>
        )}
      </For>
    </table>
  )
}

function Value(props: { value: string | null; differs: boolean }) {
  const text = () => props.value ?? 'NULL'
  return (
    <Show when={props.differs} fallback={<span class={props.value === null ? 'quiet' : ''}>{text()}</span>}>
      <mark>{text()}</mark>
    </Show>
  )
}

function Others(props: { data: Data }) {
  const differences = () => props.data.sequences?.differences ?? []
  return (
    <>
      <Show when={differences().length > 0}>
        <Disclosure summary={`${t('compare.sequences')}: ${rowsText(differences().length)}`} open>
          <ul>
            <For each={differences()}>
              {(one) => (
                <li>
                  <span class="mono">{showName(one)}</span> · {t(`compare.status.${one.status}`)}:{' '}
                  {one.source ?? '–'} → {one.destination ?? '–'}
                </li>
              )}
            </For>
          </ul>
        </Disclosure>
      </Show>
      <Show when={props.data.large_objects}>
        {(objects) => (
          <Show when={objects().missing + objects().extra + objects().different + objects().unreadable > 0}>
            <p>
              {t('compare.objects')}: {t('compare.objectsText', { ...countsOf(objects()) })}
            </p>
          </Show>
        )}
      </Show>
    </>
  )
}

function countsOf({ missing, extra, different, unreadable }: NonNullable<Data['large_objects']>) {
  return {
    ...{ missing: rowsText(missing), extra: rowsText(extra) },
    ...{ different: rowsText(different), unreadable: rowsText(unreadable) },
  }
}

function totalsOf({ missing, extra, different }: Drill): string {
  return t('compare.totals', {
    missing: rowsText(missing),
    extra: rowsText(extra),
    different: rowsText(different),
  })
}

function amountOf({ drill, source, destination }: TableComparison): string {
  if (drill) return totalsOf(drill)
  const rows = [source, destination].map((side) => (side ? rowsText(side.rows) : '–'))
  return rows[0] === rows[1] ? (rows[0] ?? '') : rows.join(' → ')
}
