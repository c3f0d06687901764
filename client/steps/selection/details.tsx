// Details of an object: what it requires; of a table its parts, one tab each.
import { createEffect, createSignal, For, Match, on, Show, Switch } from 'solid-js'
import type { TableInfo } from '../../../shared/browse-api.ts'
import { showName, type TableName } from '../../../shared/table-name.ts'
import { api } from '../../api/calls.ts'
import { bytesText, estimateText, rowsText, t } from '../../i18n/index.ts'
import { Notice, Problem } from '../../parts/notice.tsx'
import { toConn } from '../../state/connection-url.ts'
import { draft } from '../../state/draft.ts'
import { isSelected, whereOf } from '../../state/kept-rows.ts'
import { liveQuery } from '../../state/live-query.ts'
import { type Leaf, leafKey, type Tree } from '../../state/tree.ts'
import { Keys } from './keys.tsx'
import { RowsTab } from './rows-tab.tsx'
import { ColumnTable, IndexTable, TriggerTable } from './table-facts.tsx'
import { type TabName, Tabs, tabNames } from './tabs.tsx'

/** The same part of the next table is shown. */
const [tab, setTab] = createSignal<TabName>('columns')

export function Details(props: {
  leaf: Leaf | undefined
  tree: Tree
  onBack: () => void
  onJump: (leaf: Leaf) => void
}) {
  let pane: HTMLElement | undefined
  createEffect(
    on(
      () => props.leaf?.key,
      (key) => {
        pane?.scrollTo({ top: 0 })
        // In a narrow window the details cover the tree, with its focus.
        if (key !== undefined && pane && getComputedStyle(pane).position === 'relative') {
          pane.focus({ preventScroll: true })
          pane.scrollIntoView({ block: 'start' })
        }
      },
      { defer: true },
    ),
  )
  const find = (table: TableName) => props.tree.byKey.get(leafKey(table.schema, 'tables', table.name))
  return (
    <section class="details" aria-labelledby="details" tabindex="-1" ref={pane}>
      <Show
        when={props.leaf}
        keyed
        fallback={
          <div class="details-empty">
            <h2 id="details">{t('selection.details')}</h2>
            <p class="quiet">{t('selection.detailsEmpty')}</p>
          </div>
        }
      >
        {(leaf) => (
          <>
            <button type="button" class="small details-back" onClick={props.onBack}>
              <span aria-hidden="true">←</span> {t('selection.back')}
            </button>
            <h2 id="details">
              {showName(leaf)}
              <span class="details-tags">
                <Show when={whereOf(leaf)}>
                  <span class="tag warn">{t('selection.someRows')}</span>
                </Show>
                <Show when={!isSelected(leaf)}>
                  <span class="tag">{t('selection.notSelected')}</span>
                </Show>
              </span>
            </h2>
            <Show when={leaf.facts} fallback={<Needs leaf={leaf} />}>
              {(facts) => (
                <>
                  <p class="quiet numbers">
                    {[
                      t('selection.estimatedRows', { count: estimateText(facts().rows) }),
                      bytesText(facts().bytes),
                    ].join(' · ')}
                  </p>
                  <TableDetails leaf={leaf} find={find} onJump={props.onJump} />
                </>
              )}
            </Show>
          </>
        )}
      </Show>
    </section>
  )
}

function TableDetails(props: {
  leaf: Leaf
  find: (table: TableName) => Leaf | undefined
  onJump: (leaf: Leaf) => void
}) {
  const info = liveQuery(
    () => ({
      conn: toConn(draft.source),
      schema: props.leaf.schema,
      table: props.leaf.name,
      countSeconds: 0,
    }),
    api.tableInfo,
  )
  const counts = (known: TableInfo | undefined) => ({
    columns: known?.columns.length,
    keys: known && known.keys.length + known.foreign_keys.length + known.referenced_by.length,
    indexes: known?.indexes.length,
    triggers: known?.triggers.length,
    rows: undefined,
  })
  return (
    <>
      <Show when={info.answer()?.comment}>{(comment) => <p class="details-comment">{comment()}</p>}</Show>
      <Tabs
        label={t('selection.parts')}
        tabs={tabNames.map((name) => {
          const count = counts(info.answer())[name]
          return {
            name,
            title: t(`selection.tabs.${name}`),
            ...(count !== undefined && { count: rowsText(count) }),
          }
        })}
        chosen={tab()}
        onChoose={setTab}
      >
        <Show when={info.problem()}>{(error) => <Problem of={error()} onRetry={info.askAgain} />}</Show>
        <Show
          when={info.answer()}
          fallback={
            <Show when={info.isWaiting()}>
              <p role="status" class="quiet">
                <span class="spinner" aria-hidden="true" />
                {t('app.loading')}
              </p>
            </Show>
          }
        >
          {(table) => (
            <Switch>
              <Match when={tab() === 'columns'}>
                <ColumnTable info={table()} />
              </Match>
              <Match when={tab() === 'keys'}>
                <Keys info={table()} find={props.find} onJump={props.onJump} />
              </Match>
              <Match when={tab() === 'indexes'}>
                <IndexTable info={table()} />
              </Match>
              <Match when={tab() === 'triggers'}>
                <TriggerTable info={table()} />
              </Match>
              <Match when={tab() === 'rows'}>
                <Show
                  when={props.leaf.facts?.readable}
                  fallback={<Notice tone="warn">{<p>{t('selection.noRight')}</p>}</Notice>}
                >
                  <RowsTab leaf={props.leaf} info={table()} find={props.find} />
                </Show>
              </Match>
            </Switch>
          )}
        </Show>
      </Tabs>
    </>
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
