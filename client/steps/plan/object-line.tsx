// One object of the plan.
import { Show } from 'solid-js'
import type { RowsThere } from '../../../shared/plan-api.ts'
import { bytesText, estimateText, inLanguage, rowsText, t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import type { LineChange } from '../../state/plan-changes.ts'
import { isDestroying, type PlanLine } from '../../state/plan-lines.ts'

export const sqlId = 'plan-sql'

export function ObjectLine(props: {
  line: PlanLine
  change: LineChange | undefined
  isOpen: boolean
  onOpen: () => void
}) {
  return (
    <button
      type="button"
      class="object-button"
      aria-expanded={props.isOpen}
      aria-controls={props.isOpen ? sqlId : undefined}
      onClick={() => props.onOpen()}
    >
      <span class="object-name" title={objectText(props.line.kind, props.line)}>
        {objectText(props.line.kind, props.line)}
      </span>
      <span class="object-size numbers">
        <Show when={props.line.bytes !== undefined}>{bytesText(props.line.bytes ?? 0)}</Show>
      </span>
      <span class="object-action">
        <span class="object-verb">{actionText(props.line)}</span>
        <Show when={detailText(props.line)}>
          {(text) => (
            <span class="object-detail" title={text()}>
              {text()}
            </span>
          )}
        </Show>
        <Show when={props.change}>{(change) => <span class="tag changed">{changeText(change())}</span>}</Show>
      </span>
      <span class="object-rows numbers">{rowsOnBothSides(props.line)}</span>
    </button>
  )
}

function actionText(line: PlanLine): string {
  if (line.action === 'empty' && !isDestroying(line)) return t('plan.actions.fill')
  if (line.action === 'create' && line.rows !== undefined) return t('plan.actions.createAndCopy')
  return t(`plan.actions.${line.action}`)
}

function detailText({ skip, into, where, mapping }: PlanLine): string {
  return [
    inLanguage(skip ?? ''),
    into ? t('plan.into', { table: `${into.schema}.${into.name}` }) : '',
    where === undefined ? '' : `where ${where}`,
    ...(mapping ?? []),
  ]
    .filter((part) => part !== '')
    .join(' · ')
}

function rowsOnBothSides({ rows, there }: PlanLine): string {
  const parts = []
  if (rows !== undefined) parts.push(t('plan.rowsFrom', { rows: estimateText(rows) }))
  if (there) parts.push(t('plan.rowsThere', { rows: thereText(there) }))
  return parts.join(' · ')
}

export function thereText({ rows, exact }: RowsThere): string {
  if (rows < 0) return '?'
  return exact ? rowsText(rows) : t('plan.about', { rows: rowsText(rows) })
}

function changeText(change: LineChange): string {
  if (change.was === undefined) return t('plan.new')
  return change.was === change.now
    ? t('plan.changed')
    : t('plan.was', { action: t(`plan.actions.${change.was}`) })
}
