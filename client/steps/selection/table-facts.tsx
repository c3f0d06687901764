// The parts of a table, as tables.
import { For, Show } from 'solid-js'
import type { TableInfo } from '../../../shared/api.ts'
import { t } from '../../i18n/index.ts'

export function ColumnTable(props: { info: TableInfo }) {
  return (
    <>
      <h3 id="columns">{t('selection.columns')}</h3>
      <section class="scroll-x" aria-labelledby="columns" tabindex="0">
        <table>
          <thead>
            <tr>
              <th scope="col">{t('selection.column')}</th>
              <th scope="col">{t('selection.type')}</th>
              <th scope="col">{t('selection.nullable')}</th>
              <th scope="col">{t('selection.default')}</th>
            </tr>
          </thead>
          <tbody>
            <For each={props.info.columns}>
              {(column) => (
                <tr>
                  <th scope="row">{column.name}</th>
                  <td class="mono">{column.type}</td>
                  <td>{column.nullable ? 'NULL' : 'NOT NULL'}</td>
                  <td class="mono">
                    {column.identity
                      ? t('selection.identity', { kind: column.identity })
                      : `${column.default ?? ''}${column.generated ? ` (${t('selection.generated')})` : ''}`}
                  </td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </section>
    </>
  )
}

export function Definitions(props: { title: string; list: { name: string; text: string; note?: string }[] }) {
  return (
    <Show when={props.list.length > 0}>
      <h3>{props.title}</h3>
      <ul class="definitions">
        <For each={props.list}>
          {({ name, text, note }) => (
            <li>
              <b>{name}</b> <Show when={note}>{(words) => <span class="quiet">({words()})</span>}</Show>
              <code>{text}</code>
            </li>
          )}
        </For>
      </ul>
    </Show>
  )
}

export function Sample(props: { info: TableInfo }) {
  const rows = () => props.info.sample ?? []
  return (
    <>
      <h3 id="sample">{t('selection.sampleTitle')}</h3>
      <Show when={rows().length > 0} fallback={<p class="quiet">{t('selection.sampleEmpty')}</p>}>
        <section class="scroll-x" aria-labelledby="sample" tabindex="0">
          <table class="sample">
            <thead>
              <tr>
                <For each={props.info.columns}>{({ name }) => <th scope="col">{name}</th>}</For>
              </tr>
            </thead>
            <tbody>
              <For each={rows()}>
                {(row) => (
                  <tr>
                    <For each={row}>
                      {(value) => <td class="mono">{value ?? <i class="quiet">NULL</i>}</td>}
                    </For>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </section>
      </Show>
    </>
  )
}
