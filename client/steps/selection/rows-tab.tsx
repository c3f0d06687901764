// The rows of a table: the condition that chooses some of them, how many these are, the foreign keys that would break,
// and a sample.
import { For, Show } from 'solid-js'
import type { TableInfo } from '../../../shared/browse-api.ts'
import type { TableName } from '../../../shared/table-name.ts'
import { api } from '../../api/calls.ts'
import { t } from '../../i18n/index.ts'
import { Problem } from '../../parts/notice.tsx'
import { toConn } from '../../state/connection-url.ts'
import { draft } from '../../state/draft.ts'
import { effectiveWhere } from '../../state/kept-rows.ts'
import { liveQuery } from '../../state/live-query.ts'
import type { Leaf } from '../../state/tree.ts'
import { Condition } from './condition.tsx'
import { limitSeconds, typingPauseMs } from './limits.ts'
import { BrokenKeys } from './orphans.tsx'
import { WideTable } from './table-facts.tsx'

const sampleRows = 20
/** Longer ones are cut, and shown as a whole when they have the focus. */
const longValue = 40

export function RowsTab(props: {
  leaf: Leaf
  info: TableInfo
  find: (table: TableName) => Leaf | undefined
}) {
  const question = () => {
    const { where, isMixed } = effectiveWhere(props.leaf)
    if (isMixed) return undefined
    return {
      ...{ conn: toConn(draft.source), schema: props.leaf.schema, table: props.leaf.name },
      ...(where !== undefined && { where }),
    }
  }
  const asked = (more: { sample?: number; countSeconds: number }) => {
    const known = question()
    return known && { ...known, ...more }
  }
  const pause = () => (effectiveWhere(props.leaf).where === undefined ? 0 : typingPauseMs)
  const count = liveQuery(() => asked({ countSeconds: limitSeconds }), api.tableRows, pause)
  const sample = liveQuery(() => asked({ sample: sampleRows, countSeconds: 0 }), api.tableRows, pause)
  return (
    <>
      <Condition leaf={props.leaf} count={count} />
      <BrokenKeys
        leaf={props.leaf}
        info={props.info}
        find={props.find}
        isWrong={count.problem() !== undefined}
      />
      {/* An error of the condition is shown at its field. */}
      <Show when={count.problem()?.info.path !== '/where' && sample.problem()}>
        {(error) => <Problem of={error()} onRetry={sample.askAgain} />}
      </Show>
      <Show when={!sample.problem() && sample.latest()} fallback={<Loading when={sample.isWaiting()} />}>
        {(found) => (
          <>
            <h3>{t('selection.sampleTitle')}</h3>
            <Show when={found().sample} fallback={<TooLong />}>
              {(rows) => (
                <Show when={rows().length > 0} fallback={<p class="quiet">{t('selection.sampleEmpty')}</p>}>
                  <WideTable
                    label={t('selection.sampleTitle')}
                    class={sample.isWaiting() ? 'sample outdated' : 'sample'}
                    head={found().columns}
                  >
                    <For each={rows()}>
                      {(row) => (
                        <tr>
                          <For each={row}>
                            {(value) => (
                              <td class="mono">
                                <Value of={value} />
                              </td>
                            )}
                          </For>
                        </tr>
                      )}
                    </For>
                  </WideTable>
                </Show>
              )}
            </Show>
          </>
        )}
      </Show>
    </>
  )
}

function Value(props: { of: string | null }) {
  return (
    <Show when={props.of !== null} fallback={<i class="quiet">NULL</i>}>
      <Show when={(props.of?.length ?? 0) > longValue} fallback={props.of}>
        <button type="button" class="long-value" title={props.of ?? ''}>
          {props.of}
        </button>
      </Show>
    </Show>
  )
}

function TooLong() {
  return <p class="quiet">{t('selection.sampleTooLong', { seconds: limitSeconds })}</p>
}

function Loading(props: { when: boolean }) {
  return (
    <Show when={props.when}>
      <p role="status" class="quiet">
        <span class="spinner" aria-hidden="true" />
        {t('app.loading')}
      </p>
    </Show>
  )
}
