// The condition of a table, with the number of rows that meet it, or the server's error.
import { createEffect, createSignal, on, Show } from 'solid-js'
import type { TableRows } from '../../../shared/browse-api.ts'
import type { CallFailed } from '../../api/calls.ts'
import { estimateText, rowsText, t } from '../../i18n/index.ts'
import { Field } from '../../parts/field.tsx'
import { Problem } from '../../parts/notice.tsx'
import { effectiveWhere, ownWhere, setOwnWhere } from '../../state/kept-rows.ts'
import type { LiveQuery } from '../../state/live-query.ts'
import { type Leaf, withPartitions } from '../../state/tree.ts'
import { limitSeconds } from './limits.ts'

export function Condition(props: { leaf: Leaf; count: LiveQuery<TableRows> }) {
  // What is typed: the condition itself is never only blanks.
  const [text, setText] = createSignal(ownWhere(props.leaf) ?? '')
  createEffect(
    on(
      () => ownWhere(props.leaf) ?? '',
      (where) => {
        if (where !== text() && !(where === '' && text().trim() === '')) setText(where)
      },
      { defer: true },
    ),
  )
  const isWanted = () => effectiveWhere(props.leaf).where !== undefined
  const wrong = () => {
    const error = isWanted() ? props.count.problem() : undefined
    return error?.info.path === '/where'
      ? errorText(error, effectiveWhere(props.leaf).where ?? '')
      : undefined
  }
  const partitions = () =>
    withPartitions(props.leaf).filter(({ facts }) => facts?.kind !== 'partitioned').length
  const help = () => {
    if (props.leaf.facts?.kind !== 'partitioned' || partitions() === 0) return t('selection.whereHelp')
    const about = effectiveWhere(props.leaf).isMixed
      ? t('selection.whereMixed')
      : t('selection.whereParts', { count: partitions() })
    return `${t('selection.whereHelp')} ${about}`
  }
  const also = () => {
    const { where } = effectiveWhere(props.leaf)
    return where !== ownWhere(props.leaf) ? where : undefined
  }
  return (
    <div class="condition">
      <Field label={t('selection.where')} help={help()} wrong={wrong()}>
        {(ids) => (
          <input
            {...ids}
            type="text"
            class="mono"
            spellcheck={false}
            autocomplete="off"
            placeholder={t('selection.whereHint')}
            value={text()}
            onInput={(event) => {
              setText(event.currentTarget.value)
              setOwnWhere(props.leaf, event.currentTarget.value)
            }}
          />
        )}
      </Field>
      <Show when={also()}>
        {(where) => <p class="quiet">{t('selection.whereAlso', { where: where() })}</p>}
      </Show>
      <p class="condition-count numbers" role="status">
        <Show when={props.count.isWaiting()} fallback={countText(props.count, props.leaf, isWanted())}>
          <span class="quiet">{t('selection.counting')}</span>
        </Show>
      </p>
      <Show when={wrong() === undefined && props.count.problem()}>
        {(error) => <Problem of={error()} onRetry={props.count.askAgain} />}
      </Show>
    </div>
  )
}

function countText(count: LiveQuery<TableRows>, leaf: Leaf, isPart: boolean): string {
  const found = count.answer()
  if (!found) return ''
  if (found.rows === null) return t('selection.notCounted', { seconds: limitSeconds })
  const rows = rowsText(found.rows)
  const total = leaf.facts?.rows ?? -1
  return isPart && total >= 0
    ? t('selection.countedOf', { count: rows, total: estimateText(total) })
    : t('selection.counted', { count: rows })
}

/** The server's words, and where in the condition. */
function errorText({ info }: CallFailed, condition: string): string {
  const words = [info.message, info.detail, info.hint].filter(Boolean).join(' ')
  if (info.position === undefined) return words
  const text = [...condition].slice(info.position - 1, info.position + 24).join('')
  return `${words}. ${t('selection.whereAt', { position: info.position, text })}`
}
