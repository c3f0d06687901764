// Columns, indexes and triggers of a table.
import { For, type JSX, Show } from 'solid-js'
import type { TableInfo } from '../../../shared/browse-api.ts'
import { bytesText, t } from '../../i18n/index.ts'

/** Scrolls sideways where it is wider than its place. */
export function WideTable(props: {
  label: string
  class?: string
  head: readonly string[]
  children: JSX.Element
}) {
  return (
    <section class={`wide ${props.class ?? ''}`} aria-label={props.label} tabindex="0">
      <table>
        <thead>
          <tr>
            <For each={props.head}>{(title) => <th scope="col">{title}</th>}</For>
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </section>
  )
}

export function ColumnTable(props: { info: TableInfo }) {
  const head = () => [
    t('selection.column'),
    t('selection.type'),
    t('selection.nullable'),
    t('selection.default'),
    ...(hasComments() ? [t('selection.comment')] : []),
  ]
  const hasComments = () => props.info.columns.some(({ comment }) => comment !== null)
  return (
    <Show when={props.info.columns.length > 0} fallback={<p class="quiet">{t('selection.noColumns')}</p>}>
      <WideTable label={t('selection.tabs.columns')} head={head()}>
        <For each={props.info.columns}>
          {(column) => (
            <tr>
              <th scope="row">{column.name}</th>
              <td class="mono">{column.type}</td>
              <td class="mono">{column.nullable ? '' : 'NOT NULL'}</td>
              <td class="mono">
                {column.identity
                  ? t('selection.identity', { kind: column.identity })
                  : `${column.default ?? ''}${column.generated ? ` (${t('selection.generated')})` : ''}`}
              </td>
              <Show when={hasComments()}>
                <td>{column.comment}</td>
              </Show>
            </tr>
          )}
        </For>
      </WideTable>
    </Show>
  )
}

export function IndexTable(props: { info: TableInfo }) {
  return (
    <Show when={props.info.indexes.length > 0} fallback={<p class="quiet">{t('selection.noIndexes')}</p>}>
      <WideTable
        label={t('selection.tabs.indexes')}
        head={[t('selection.index'), t('selection.size'), t('selection.state'), t('selection.definition')]}
      >
        <For each={props.info.indexes}>
          {(index) => (
            <tr>
              <th scope="row">{index.name}</th>
              <td class="numbers no-wrap">{bytesText(index.bytes)}</td>
              <td>
                <Show when={!index.valid} fallback={t('selection.valid')}>
                  <span class="bad-word">{t('selection.invalid')}</span>
                </Show>
              </td>
              <td class="mono definition">{index.definition}</td>
            </tr>
          )}
        </For>
      </WideTable>
    </Show>
  )
}

export function TriggerTable(props: { info: TableInfo }) {
  return (
    <Show when={props.info.triggers.length > 0} fallback={<p class="quiet">{t('selection.noTriggers')}</p>}>
      <WideTable
        label={t('selection.tabs.triggers')}
        head={[t('selection.trigger'), t('selection.state'), t('selection.definition')]}
      >
        <For each={props.info.triggers}>
          {(trigger) => (
            <tr>
              <th scope="row">{trigger.name}</th>
              <td>{t(trigger.enabled ? 'selection.enabled' : 'selection.disabled')}</td>
              <td class="mono definition">{trigger.definition}</td>
            </tr>
          )}
        </For>
      </WideTable>
    </Show>
  )
}
