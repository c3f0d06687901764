// One past migration: its result, request and log.
import { createResource, createSignal, Show, untrack } from 'solid-js'
import type { LogLine, PastMigrationDetails, RequestBody } from '../../shared/api.ts'
import type { Summary } from '../../shared/summary.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { bytesText, dateText, inLanguage, rateText, rowsText, t } from '../i18n/index.ts'
import { Disclosure } from '../parts/disclosure.tsx'
import { Fact } from '../parts/fact.tsx'
import { Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { type HeadTone, StatusHead } from '../parts/status-head.tsx'
import { setOption, takeRequest } from '../state/draft.ts'
import { goToStep } from '../state/route.ts'
import { averagesOf, outcomeOf, tablesOf } from '../state/run-outcome.ts'
import { Destroyed } from '../steps/plan/destroyed.tsx'
import { PlanFacts } from '../steps/plan/facts.tsx'
import { SpeedCurve } from '../steps/run/curve.tsx'
import { FailureList } from '../steps/run/failures.tsx'
import { SaveButtons } from '../steps/run/head.tsx'
import { LogPart } from '../steps/run/log.tsx'
import { PrintedTables } from '../steps/run/summary-table.tsx'
import { TableList } from '../steps/run/tables.tsx'
import '../steps/run/run.css'
import { differenceText, isIncomplete, kindText, resultText, sizeText, tookText } from './text.ts'

const logPage = 1_000

const tones: Record<PastMigrationDetails['status'], HeadTone> = {
  running: 'busy',
  completed: 'good',
  completed_with_failures: 'bad',
  failed: 'bad',
  cancelled: 'warn',
  interrupted: 'warn',
}

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
      <LogPart lines={lines()} onOpen={() => untrack(() => lines().length === 0 && void readLog())} />
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
  /** Completed work is not repeated; the plan is shown before anything starts. */
  function resume() {
    const { request } = props.past
    if (!request) return
    takeRequest(request as RequestBody)
    setOption('resume', true)
    goToStep('plan')
  }
  const mayResume = () => isIncomplete(props.past) && !props.past.dry_run && props.past.request !== null
  return (
    <>
      <StatusHead
        tone={tones[props.past.status]}
        state={resultText(props.past)}
        about={
          <>
            {kindText(props.past)} · {dateText(props.past.started_at)} · {props.past.source}{' '}
            <span aria-hidden="true">→</span> {props.past.destination}
          </>
        }
        figures={[
          { label: t('history.size'), value: props.past.size ? bytesText(props.past.size.bytes) : '–' },
          { label: t('history.duration'), value: tookText(props.past) || '–' },
        ]}
        actions={
          <>
            <Show when={mayResume()}>
              <button type="button" class="primary" title={t('history.resumeLead')} onClick={resume}>
                {t('history.resume')}
              </button>
            </Show>
            <Show when={props.past.request}>
              <button type="button" title={t('history.withoutPasswords')} onClick={useAgain}>
                {t('history.useAgain')}
              </button>
            </Show>
          </>
        }
      />
      <Show when={(props.past.request as { retry_of?: string } | null)?.retry_of}>
        {(id) => (
          <p>
            {t('repair.retryOf')} <PageLink to={`/#history/${encodeURIComponent(id())}`}>{id()}</PageLink>
          </p>
        )}
      </Show>
      <Show when={props.past.size}>
        <p class="numbers">
          {sizeText(props.past)}
          <Show when={props.past.before}>
            {(before) => (
              <>
                {' · '}
                <PageLink to={`/#history/${encodeURIComponent(before().id)}`}>
                  {t('history.compared')}
                </PageLink>
                : {differenceText(props.past)}
              </>
            )}
          </Show>
        </p>
      </Show>
      <Show when={props.past.summary} fallback={<p class="quiet">{t('history.noSummary')}</p>}>
        {(summary) => (
          <>
            <Show when={summary().error}>{(error) => <p class="server-words">{inLanguage(error())}</p>}</Show>
            <FailureList of={props.past.id} failed={summary().failed} />
            <Show when={!props.past.dry_run}>
              <Averages summary={summary()} />
              <TableList tables={tablesOf(summary())} />
              <PrintedTables summary={summary()} />
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
      </div>
      <Show when={props.past.request}>
        <Disclosure summary={t('history.request')}>
          <pre class="scroll-x">{JSON.stringify(props.past.request, null, 2)}</pre>
        </Disclosure>
      </Show>
    </>
  )
}

function Averages(props: { summary: Summary }) {
  const bytes = () => props.summary.tables.reduce((sum, table) => sum + table.bytes, 0)
  const average = () =>
    averagesOf(props.summary.phases, { rows: outcomeOf(props.summary).rows, bytes: bytes() })
  return (
    <Show when={average()}>
      {(known) => (
        <dl class="facts">
          <Fact name={t('repair.averageRows')}>{rowsText(known().rows)}</Fact>
          <Fact name={t('repair.averageBytes')}>{rateText(known().bytes)}</Fact>
        </dl>
      )}
    </Show>
  )
}
