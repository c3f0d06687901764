// The plan's warnings. Where an option removes a warning, a button sets it.
import { For, Show } from 'solid-js'
import { inLanguage, languageOf, rowsText, t } from '../../i18n/index.ts'
import { Cut } from '../../parts/cut.tsx'
import { Section } from '../../parts/section.tsx'
import { draft, setOption } from '../../state/draft.ts'
import { type Fix, fixesOf, withoutBlockers } from '../../state/plan-fixes.ts'

export function Warnings(props: { list: readonly string[] }) {
  const list = () => withoutBlockers(props.list)
  return (
    <Show when={list().length > 0} fallback={<p class="quiet no-warnings">{t('options.noWarnings')}</p>}>
      <Section class="plan-warnings" title={t('plan.warnings')} count={rowsText(list().length)}>
        <Cut list={list()} each={(text) => <Warning text={text} />} />
      </Section>
    </Show>
  )
}

function Warning(props: { text: string }) {
  return (
    <li class="plan-warning">
      <p lang={languageOf(props.text)}>{inLanguage(props.text)}</p>
      <For each={fixesOf(props.text, draft.options)}>
        {(fix) => (
          <button type="button" class="small" onClick={() => setOption(fix.option, fix.value)}>
            {fixText(fix)}
          </button>
        )}
      </For>
    </li>
  )
}

function fixText(fix: Fix): string {
  const option = t(`options.each.${fix.option}.label`)
  if (fix.name !== undefined) return t('plan.fixName', { option, name: fix.name })
  return t(fix.value ? 'plan.fixOn' : 'plan.fixOff', { option })
}
