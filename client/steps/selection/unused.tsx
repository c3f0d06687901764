// Selection and conditions that were made for another source. They are not used for this one unless the user decides so.
import { Show } from 'solid-js'
import type { Selection, TableRule } from '../../../shared/request.ts'
import { t } from '../../i18n/index.ts'
import { Cut } from '../../parts/cut.tsx'
import { Notice } from '../../parts/notice.tsx'
import { isEmptyEnd } from '../../state/connection-url.ts'
import { discardUnused, draft, unusedRules, unusedSelection, useUnused } from '../../state/draft.ts'

export function UnusedSelection() {
  const lines = () => [
    ...[unusedSelection()]
      .filter(Boolean)
      .map((one) => t('selection.unusedNames', { names: selectionText(one) })),
    ...unusedRules().map(ruleText),
  ]
  return (
    <Show when={lines().length > 0 && !isEmptyEnd(draft.source)}>
      <Notice tone="warn" role="status" title={t('selection.unused')}>
        <Cut list={lines()} each={(line) => <li class="mono">{line}</li>} />
        <div class="actions">
          <button type="button" onClick={useUnused}>
            {t('selection.unusedUse')}
          </button>
          <button type="button" onClick={discardUnused}>
            {t('selection.unusedDiscard')}
          </button>
        </div>
      </Notice>
    </Show>
  )
}

function ruleText({ table, where, ...rest }: TableRule): string {
  const others = Object.keys(rest).length > 0 ? [JSON.stringify(rest)] : []
  return `${table}: ${[...(where === undefined ? [] : [`where ${where}`]), ...others].join(', ')}`
}

export function selectionText(selection: Partial<Selection> | undefined): string {
  const listed = (selection?.schemas ?? []).flatMap(({ name, ...kinds }) => {
    const names = Object.values(kinds).flat()
    return names.length > 0 ? names.map((each) => `${name}.${each}`) : [name]
  })
  const names = [
    ...listed,
    ...(selection?.include ?? []),
    ...(selection?.includeSchemas ?? []),
    ...(selection?.only ?? []),
  ]
  const except = [...(selection?.exclude ?? []), ...(selection?.excludeSchemas ?? [])].map(
    (name) => `−${name}`,
  )
  const all = [...names, ...except]
  return all.length > 8
    ? `${all.slice(0, 8).join(', ')}, ${t('selection.andMore', { count: all.length - 8 })}`
    : all.join(', ')
}
