// Foreign keys that would break, because rows that are copied reference rows that are left out.
import { For, Show } from 'solid-js'
import type { Orphans, TableInfo } from '../../../shared/browse-api.ts'
import { showName, type TableName } from '../../../shared/table-name.ts'
import { api } from '../../api/calls.ts'
import { rowsText, t } from '../../i18n/index.ts'
import { Notice, Problem } from '../../parts/notice.tsx'
import { toConn } from '../../state/connection-url.ts'
import { draft } from '../../state/draft.ts'
import { isSelected, keptRows, setOwnWhere } from '../../state/kept-rows.ts'
import { liveQuery } from '../../state/live-query.ts'
import type { Leaf } from '../../state/tree.ts'
import { limitSeconds, typingPauseMs } from './limits.ts'

type ForeignKey = Orphans['foreign_keys'][number]

export function BrokenKeys(props: {
  leaf: Leaf
  info: TableInfo
  /** The condition of this table is not valid. */
  isWrong: boolean
  find: (table: TableName) => Leaf | undefined
}) {
  const keys = () => [
    ...props.info.foreign_keys.map(({ name, references }) => ({ name, table: references })),
    ...props.info.referenced_by,
  ]
  const others = () => keys().flatMap(({ table }) => props.find(table) ?? [])
  const unselected = () =>
    isSelected(props.leaf)
      ? props.info.foreign_keys.filter(({ references }) => {
          const leaf = props.find(references)
          return leaf && !isSelected(leaf)
        })
      : []
  const kept = () => keptRows([props.leaf, ...others()])
  // Without a condition nothing can break.
  const isNeeded = () =>
    !props.isWrong &&
    isSelected(props.leaf) &&
    keys().length > 0 &&
    kept().some(({ where }) => where !== undefined)
  const orphans = liveQuery(
    () =>
      isNeeded()
        ? {
            ...{ conn: toConn(draft.source), schema: props.leaf.schema, table: props.leaf.name },
            ...{ kept: kept(), countSeconds: limitSeconds },
          }
        : undefined,
    api.orphans,
    () => typingPauseMs,
  )
  const bad = () => orphans.answer()?.foreign_keys.filter((key) => key.orphans !== 0) ?? []
  const isFine = () => (orphans.answer()?.foreign_keys.length ?? 0) > 0 && bad().length === 0
  return (
    <Show when={isNeeded() || unselected().length > 0}>
      <div class="breaks">
        <h3>{t('selection.breaks.title')}</h3>
        <p role="status" class="quiet">
          {orphans.isWaiting() ? t('selection.breaks.checking') : isFine() ? t('selection.breaks.fine') : ''}
        </p>
        <Show when={orphans.problem()}>{(error) => <Problem of={error()} onRetry={orphans.askAgain} />}</Show>
        <For each={bad()}>{(key) => <Broken of={key} find={props.find} />}</For>
        <For each={unselected()}>
          {({ name, references }) => (
            <p class="quiet">{t('selection.breaks.unselected', { name, table: showName(references) })}</p>
          )}
        </For>
      </div>
    </Show>
  )
}

function Broken(props: { of: ForeignKey; find: (table: TableName) => Leaf | undefined }) {
  const names = () => ({
    name: props.of.name,
    table: showName(props.of.table),
    references: showName(props.of.references),
  })
  return (
    <Notice tone="warn" role="group">
      <Show
        when={props.of.orphans !== null}
        fallback={<p>{t('selection.breaks.unknown', { ...names(), seconds: limitSeconds })}</p>}
      >
        <p>
          <b>{t('selection.breaks.broken', { ...names(), count: rowsText(props.of.orphans ?? 0) })}</b>{' '}
          {t('selection.breaks.cause', names())}
        </p>
      </Show>
      <Show
        when={props.of.suggestion !== undefined && props.find(props.of.table)}
        fallback={<p>{t('selection.breaks.noProposal')}</p>}
      >
        {(leaf) => (
          <>
            <p>{t('selection.breaks.proposed', names())}</p>
            <code class="proposed">{props.of.suggestion}</code>
            <button
              type="button"
              class="small"
              onClick={() => setOwnWhere(leaf(), props.of.suggestion ?? '')}
            >
              {t('selection.breaks.apply', names())}
            </button>
          </>
        )}
      </Show>
    </Notice>
  )
}
