// Findings of the preflight checks for which a run would be refused, at the top of the plan.
import { Show } from 'solid-js'
import { inLanguage, languageOf, t } from '../../i18n/index.ts'
import { Cut } from '../../parts/cut.tsx'
import { Notice } from '../../parts/notice.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { planned } from '../../state/plan.ts'
import { blockersOf } from '../../state/plan-fixes.ts'

export function Blockers() {
  const list = () => blockersOf(planned.answer()?.plan.warnings ?? [])
  return (
    <Show when={list().length > 0}>
      <Notice tone="bad" role="group" title={t('plan.blockers')}>
        <Cut list={list()} each={(text) => <li lang={languageOf(text)}>{inLanguage(text)}</li>} />
        <p>
          {t('plan.blockersNext')} <PageLink to="/#connections">{t('plan.toChecks')}</PageLink>
        </p>
      </Notice>
    </Show>
  )
}
