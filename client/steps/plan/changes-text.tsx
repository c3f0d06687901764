// What the last change of an option has changed in the plan, in sentences that screen readers announce.
import { For, Show } from 'solid-js'
import { rowsText, t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import { planned } from '../../state/plan.ts'
import { summaryOf } from '../../state/plan-changes.ts'

const fewNames = 5

export function ChangesText() {
  const sentences = () => {
    const changes = planned.changes()
    if (!changes) return []
    const counted = summaryOf(changes)
    if (counted.length === 0 && changes.isOtherSql) return [t('plan.changes.sql')]
    return counted.map(({ what, count }) => t(`plan.changes.${what}`, { count: rowsText(count) }))
  }
  const gone = () => planned.changes()?.gone ?? []
  return (
    <div role="status" class="plan-changes" classList={{ shown: sentences().length > 0 }}>
      <Show when={sentences().length > 0}>
        <p>
          <For each={sentences()}>{(sentence) => <span>{sentence} </span>}</For>
          <Show when={gone().length > 0}>
            <span class="quiet">
              {gone()
                .slice(0, fewNames)
                .map((one) => objectText(one.kind, one))
                .join(', ')}
              {gone().length > fewNames
                ? ` ${t('selection.andMore', { count: rowsText(gone().length - fewNames) })}`
                : ''}
            </span>
          </Show>
        </p>
      </Show>
    </div>
  )
}
