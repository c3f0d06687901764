// The plan, with the options beside it, and the start below it.
import './plan.css'
import './plan-objects.css'
import { Show } from 'solid-js'
import { t } from '../../i18n/index.ts'
import { draft } from '../../state/draft.ts'
import { keepPlan, planned } from '../../state/plan.ts'
import { UnusedSelection } from '../selection/unused.tsx'
import { Blockers } from './blockers.tsx'
import { Destroyed } from './destroyed.tsx'
import { FollowChoice } from './follow-choice.tsx'
import { OptionList } from './option-list.tsx'
import { PlanPanel, PlanState } from './plan-panel.tsx'
import { StartBar } from './start.tsx'

export function PlanStep() {
  keepPlan()
  return (
    <section class="step plan-step">
      <header class="step-head with-action">
        <h1>{t('options.plan')}</h1>
        <PlanState />
      </header>
      <UnusedSelection />
      <Blockers />
      <div class="split">
        <PlanPanel />
        <div class="split-side">
          <OptionList />
          <Show when={draft.following}>
            <FollowChoice />
          </Show>
        </div>
      </div>
      <Show when={planned.answer()}>
        {(answer) => <Destroyed list={answer().plan.destroyed} confirmable />}
      </Show>
      <StartBar />
    </section>
  )
}
