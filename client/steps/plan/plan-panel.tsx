// The plan of the current request: how much, how long, what has changed, warnings, and each object.
import { Match, Switch } from 'solid-js'
import { t } from '../../i18n/index.ts'
import { Problem } from '../../parts/notice.tsx'
import { isPlanCurrent, planAgain, planned } from '../../state/plan.ts'
import { ChangesText } from './changes-text.tsx'
import { EstimateLine } from './estimate-line.tsx'
import { ObjectList } from './object-list.tsx'
import { PlanSum } from './plan-sum.tsx'
import { Warnings } from './warnings.tsx'

export function PlanPanel() {
  return (
    <div class="plan-main" aria-busy={planned.planning()}>
      <Switch>
        <Match when={planned.problem()}>
          {(problem) => <Problem of={problem()} title={t('options.planFailed')} onRetry={planAgain} />}
        </Match>
        <Match when={planned.answer()}>
          {(answer) => (
            <div class="plan-content" classList={{ stale: !isPlanCurrent() }}>
              <div class="plan-amounts">
                <PlanSum plan={answer().plan} />
                <EstimateLine plan={answer().plan} />
              </div>
              <ChangesText />
              <Warnings list={answer().plan.warnings} />
              <ObjectList plan={answer().plan} />
            </div>
          )}
        </Match>
        <Match when={!planned.planning()}>
          <p class="empty small">{t('options.planWait')}</p>
        </Match>
      </Switch>
    </div>
  )
}

export function PlanState() {
  return (
    <p role="status" class="quiet">
      <Switch>
        <Match when={planned.planning()}>
          <span class="spinner" aria-hidden="true" />
          {t('options.planning')}
        </Match>
        <Match when={isPlanCurrent()}>{t('options.planFresh')}</Match>
      </Switch>
    </p>
  )
}
