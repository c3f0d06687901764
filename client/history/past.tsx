// One past migration: its result, request and log.
import { createEffect, createResource, createSignal, on, Show } from 'solid-js'
import type { LogLine, PastMigrationDetails, RequestBody } from '../../shared/api.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { dateText, t } from '../i18n/index.ts'
import { Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { takeRequest } from '../state/draft.ts'
import { goToStep } from '../state/route.ts'
import { Destroyed } from '../steps/options/destroyed.tsx'
import { PlanFacts } from '../steps/options/plan-panel.tsx'
import '../steps/options/options.css'
import { SpeedCurve } from '../steps/run/curve.tsx'
import { FailureList } from '../steps/run/failures.tsx'
import { LogView } from '../steps/run/log.tsx'
import { SaveButtons } from '../steps/run/result.tsx'
import { SummaryTable } from '../steps/run/summary-table.tsx'
import '../steps/run/run.css'
import { resultText, tookText } from './text.ts'

const logPage = 1_000

export function Past(props: { id: string }) {
  const [past] = createResource(() => props.id, api.migration)
  const [lines, setLines] = createSignal<LogLine[]>([])
  const [next, setNext] = createSignal<number | null>(0)
  const [problem, setProblem] = createSignal<CallFailed>()

  async function readLog() {
    const after = next()
    if (after === null) return
    try {
      const page = await api.log(props.id, { after, limit: logPage })
      setLines((known) => [...known, ...page.lines])
      setNext(page.next)
    } catch (error) {
      setProblem(error as CallFailed)
    }
  }
  createEffect(
    on(
      () => props.id,
      () => void readLog(),
    ),
  )

  return (
    <section class="step">
      <p>
        <PageLink to="/#history">
          <span aria-hidden="true">←</span> {t('history.back')}
        </PageLink>
      </p>
      <Show when={past.error as CallFailed | undefined}>{(error) => <Problem of={error()} />}</Show>
      <Show when={past.error ? undefined : past()}>{(known) => <Known past={known()} />}</Show>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <LogView lines={lines()} />
      <Show when={next() !== null && lines().length > 0}>
        <button type="button" onClick={() => void readLog()}>
          {t('history.more')}
        </button>
      </Show>
    </section>
  )
}

function Known(props: { past: PastMigrationDetails }) {
  function useAgain() {
    const { request } = props.past
    if (!request) return
    takeRequest(request as RequestBody)
    goToStep('connections')
  }
  return (
    <>
      <header class="step-head">
        <h1>
          {resultText(props.past)} <span class="quiet">{dateText(props.past.started_at)}</span>
        </h1>
      </header>
      <dl class="facts panel">
        <div>
          <dt>{t('history.from')}</dt>
          <dd>{props.past.source}</dd>
        </div>
        <div>
          <dt>{t('history.to')}</dt>
          <dd>{props.past.destination}</dd>
        </div>
        <div>
          <dt>{t('history.duration')}</dt>
          <dd>{tookText(props.past) || '–'}</dd>
        </div>
      </dl>
      <Show when={props.past.summary} fallback={<p class="quiet">{t('history.noSummary')}</p>}>
        {(summary) => (
          <>
            <Show when={summary().error}>{(error) => <p class="server-words">{error()}</p>}</Show>
            <FailureList failed={summary().failed} />
            <Show when={!props.past.dry_run}>
              <div class="panel">
                <SummaryTable summary={summary()} onScreen />
              </div>
            </Show>
          </>
        )}
      </Show>
      <Show when={props.past.speeds}>{(speeds) => <SpeedCurve speeds={speeds()} now={undefined} />}</Show>
      <Show when={props.past.plan}>
        {(plan) => (
          <section class="plan" aria-labelledby="plan">
            <h2 id="plan">{t('options.plan')}</h2>
            <p>{t('run.dryRunLead')}</p>
            <Destroyed list={plan().destroyed} />
            <PlanFacts plan={plan()} />
          </section>
        )}
      </Show>
      <div class="actions">
        <Show when={props.past.summary}>
          {(summary) => <SaveButtons summary={summary()} id={props.past.id} />}
        </Show>
        <Show when={props.past.request}>
          <button type="button" onClick={useAgain}>
            {t('history.useAgain')}
          </button>
          <span class="quiet">{t('history.withoutPasswords')}</span>
        </Show>
      </div>
      <Show when={props.past.request}>
        <details class="panel">
          <summary>{t('history.request')}</summary>
          <pre class="scroll-x">{JSON.stringify(props.past.request, null, 2)}</pre>
        </details>
      </Show>
    </>
  )
}
