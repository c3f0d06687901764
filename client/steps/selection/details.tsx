// Details of an object: what it requires; of a table also columns, keys, rows and the row condition.
import { createEffect, createResource, createSignal, For, on, Show } from 'solid-js'
import type { TableInfo } from '../../../shared/api.ts'
import { showName } from '../../../shared/table-name.ts'
import { api, type CallFailed } from '../../api/calls.ts'
import { bytesText, estimateText, rowsText, t } from '../../i18n/index.ts'
import { Field } from '../../parts/field.tsx'
import { Problem } from '../../parts/notice.tsx'
import { toConn } from '../../state/connection-url.ts'
import { draft, ruleFor, setWhere } from '../../state/draft.ts'
import type { Leaf } from '../../state/tree.ts'
import { ColumnTable, Definitions, Sample } from './table-facts.tsx'

const sampleRows = 10

export function Details(props: { leaf: Leaf | undefined }) {
  return (
    <section class="panel details" aria-labelledby="details">
      <h2 id="details">{props.leaf ? showName(props.leaf) : t('selection.details')}</h2>
      <Show when={props.leaf} fallback={<p class="quiet">{t('selection.detailsEmpty')}</p>}>
        {(leaf) => (
          <>
            <Show when={leaf().kind === 'tables'} fallback={<Needs leaf={leaf()} />}>
              <TableDetails leaf={leaf()} />
            </Show>
          </>
        )}
      </Show>
    </section>
  )
}

function TableDetails(props: { leaf: Leaf }) {
  const [sample, setSample] = createSignal(false)
  createEffect(
    on(
      () => props.leaf.key,
      () => setSample(false),
    ),
  )
  const [info, { refetch }] = createResource(
    () => ({ schema: props.leaf.schema, table: props.leaf.name, sample: sample() ? sampleRows : 0 }),
    (wanted) => api.tableInfo({ conn: toConn(draft.source), ...wanted }),
  )
  const known = (): TableInfo | undefined => {
    const found = info.error ? undefined : info.latest
    return found?.name === props.leaf.name && found.schema === props.leaf.schema ? found : undefined
  }
  return (
    <>
      <Show when={info.error as CallFailed | undefined}>
        {(error) => <Problem of={error()} onRetry={() => void refetch()} />}
      </Show>
      <Show when={known()} fallback={<p role="status">{info.loading ? t('app.loading') : ''}</p>}>
        {(table) => (
          <>
            <dl class="facts">
              <div>
                <dt>{t(table().exact_rows === null ? 'selection.estimatedRows' : 'selection.exactRows')}</dt>
                <dd>
                  {countText(table())}
                  <Show when={table().exact_rows === null}>
                    <span class="quiet"> ({t('selection.notCounted')})</span>
                  </Show>
                </dd>
              </div>
              <div>
                <dt>{t('selection.onDisk')}</dt>
                <dd>{bytesText(table().bytes)}</dd>
              </div>
            </dl>
            <ColumnTable info={table()} />
            <Definitions
              title={t('selection.keys')}
              list={table().keys.map(({ name, definition }) => ({ name, text: definition }))}
            />
            <Definitions
              title={t('selection.foreignKeys')}
              list={table().foreign_keys.map(({ name, definition }) => ({ name, text: definition }))}
            />
            <Definitions
              title={t('selection.indexes')}
              list={table().indexes.map(({ name, definition, bytes, valid }) => ({
                name,
                text: definition,
                note: valid ? bytesText(bytes) : t('selection.invalid'),
              }))}
            />
            <Definitions
              title={t('selection.triggers')}
              list={table().triggers.map(({ name, definition, enabled }) => ({
                name,
                text: definition,
                ...(!enabled && { note: t('selection.disabled') }),
              }))}
            />
            <Where table={showName(props.leaf)} />
            <Show
              when={sample() && table().sample}
              fallback={
                <button type="button" onClick={() => setSample(true)} disabled={info.loading}>
                  {t('selection.sample')}
                </button>
              }
            >
              <Sample info={table()} />
            </Show>
          </>
        )}
      </Show>
    </>
  )
}

function countText({ exact_rows, estimated_rows }: TableInfo): string {
  return exact_rows === null ? estimateText(estimated_rows) : rowsText(exact_rows)
}

function Where(props: { table: string }) {
  return (
    <Field label={t('selection.where')} help={t('selection.whereHelp')}>
      {(ids) => (
        <input
          {...ids}
          type="text"
          class="mono"
          spellcheck={false}
          placeholder={t('selection.whereHint')}
          value={ruleFor(props.table)?.where ?? ''}
          onChange={(event) => setWhere(props.table, event.currentTarget.value)}
        />
      )}
    </Field>
  )
}

function Needs(props: { leaf: Leaf }) {
  return (
    <>
      <h3>{t('selection.needsTitle')}</h3>
      <Show when={props.leaf.needs.length > 0} fallback={<p class="quiet">{t('selection.needsNothing')}</p>}>
        <ul class="needs">
          <For each={props.leaf.needs}>
            {(need) => (
              <li>
                {showName(need)} <span class="quiet">({need.kind})</span>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </>
  )
}
