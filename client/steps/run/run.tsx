import './run.css'
import { createSignal, Match, Show, Switch } from 'solid-js'
import { api, type CallFailed } from '../../api/calls.ts'
import { t } from '../../i18n/index.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Notice, Problem } from '../../parts/notice.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { job } from '../../state/job.ts'
import { Destroyed } from '../plan/destroyed.tsx'
import { PlanFacts } from '../plan/facts.tsx'
import { SpeedCurve } from './curve.tsx'
import { Failures } from './failures.tsx'
import { LogView } from './log.tsx'
import { Overall } from './overall.tsx'
import { Phases } from './phases.tsx'
import { Result } from './result.tsx'
import { TableList } from './tables.tsx'

export function RunStep() {
  const hasJob = () => typeof job.overview()?.id === 'string'
  return (
    <section class="step run">
      <header class="step-head with-action">
        <h1>{t('run.title')}</h1>
        <Show when={job.isRunning()}>
          <CancelButton />
        </Show>
      </header>
      <Show when={job.connection() === 'lost'}>
        <Notice tone="warn" role="alert">
          {t('run.lost')}
        </Notice>
      </Show>
      <Switch>
        <Match when={hasJob()}>
          <JobView />
        </Match>
        <Match when={job.overview() === undefined && job.connection() !== 'lost'}>
          <p class="empty" role="status">
            <span class="spinner" aria-hidden="true" />
            {t('app.loading')}
          </p>
        </Match>
        <Match when={true}>
          <div class="empty">
            <p>
              <b>{t('run.nothing')}</b>
            </p>
            <p>{t('run.nothingLead')}</p>
            <PageLink to="/#plan">{t('steps.plan')}</PageLink>
          </div>
        </Match>
      </Switch>
    </section>
  )
}

function JobView() {
  const plan = () => job.overview()?.plan
  return (
    <>
      <Show when={job.overview()?.summary}>{(summary) => <Result summary={summary()} />}</Show>
      <Show when={plan()} fallback={<Overall />}>
        {(known) => (
          <section class="plan" aria-labelledby="plan">
            <h2 id="plan">{t('options.plan')}</h2>
            <Destroyed list={known().destroyed} />
            <PlanFacts plan={known()} />
          </section>
        )}
      </Show>
      <Failures />
      <Show when={!plan()}>
        <div class="run-columns">
          <SpeedCurve speeds={job.speeds()} now={job.overview()} />
          <Phases />
        </div>
        <TableList />
      </Show>
      <LogView lines={job.log()} live />
    </>
  )
}

function CancelButton() {
  const [asking, setAsking] = createSignal(false)
  const [cancelling, setCancelling] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  async function cancel() {
    setAsking(false)
    setCancelling(true)
    try {
      await api.cancel()
    } catch (error) {
      setProblem(error as CallFailed)
      setCancelling(false)
    }
  }
  return (
    <>
      <button type="button" class="danger" disabled={cancelling()} onClick={() => setAsking(true)}>
        {t(cancelling() ? 'run.cancelling' : 'run.cancel')}
      </button>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <Confirm
        open={asking()}
        title={t('run.cancelTitle')}
        yes={t('run.cancelYes')}
        no={t('run.cancelNo')}
        onYes={() => void cancel()}
        onClose={() => setAsking(false)}
      >
        {t('run.cancelLead')}
      </Confirm>
    </>
  )
}
