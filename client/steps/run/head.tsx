// The head of a run: its state, what matters now, and what can be done.
import { createEffect, createSignal, on, Show } from 'solid-js'
import type { Conn, RequestBody } from '../../../shared/api.ts'
import { formatPercent } from '../../../shared/format.ts'
import type { Summary } from '../../../shared/summary.ts'
import { api, type CallFailed } from '../../api/calls.ts'
import { bytesText, clockText, durationText, rateText, rowsText, t } from '../../i18n/index.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { download } from '../../parts/download.ts'
import { Problem } from '../../parts/notice.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { type HeadTone, StatusHead } from '../../parts/status-head.tsx'
import { formatUrl, fromConnection } from '../../state/connection-url.ts'
import { setOption, takeRequest } from '../../state/draft.ts'
import { job } from '../../state/job.ts'
import { goToStep } from '../../state/route.ts'
import { averagesOf, outcomeOf } from '../../state/run-outcome.ts'
import { notifyAtEnd, notifyState } from './notify.ts'
import { RunThis } from './run-this.tsx'

const tones: Record<Summary['status'], HeadTone> = {
  completed: 'good',
  completed_with_failures: 'bad',
  failed: 'bad',
  cancelled: 'warn',
}

export function RunHead() {
  const now = () => job.overview()
  const summary = () => now()?.summary
  const isDry = () => now()?.plan !== undefined || now()?.dry_run === true
  const request = () => now()?.request as RequestBody | undefined
  const phase = () => t(`run.phase.${now()?.current_phase ?? 'reading'}`)
  const state = () => {
    const over = summary()
    if (!over) return `${t('run.result.running')}: ${phase()}`
    return isDry() && over.status === 'completed' ? t('run.dryRun') : t(`run.result.${over.status}`)
  }
  return (
    <>
      <StatusHead
        tone={job.isRunning() ? 'busy' : tones[summary()?.status ?? 'failed']}
        state={state()}
        about={<About request={request()} />}
        figures={summary() ? finished(summary() as Summary, isDry()) : running()}
        percent={job.isRunning() ? (now()?.overall_percent ?? 0) : undefined}
        barLabel={t('run.overall')}
        actions={
          <Show when={summary()} fallback={<RunningActions />}>
            {(over) => <FinishedActions summary={over()} isDry={isDry()} request={request()} />}
          </Show>
        }
      />
      <Announcer percent={now()?.overall_percent ?? 0} phase={phase()} />
    </>
  )
}

function About(props: { request: RequestBody | undefined }) {
  const retryOf = () => (props.request as { retry_of?: string } | undefined)?.retry_of
  return (
    <>
      <Show when={props.request}>
        {(known) =>
          t('repair.of', { source: endText(known().source), destination: endText(known().destination) })
        }
      </Show>
      <Show when={retryOf()}>
        {(id) => (
          <>
            {' · '}
            {t('repair.retryOf')} <PageLink to={`/#history/${id()}`}>{id()}</PageLink>
          </>
        )}
      </Show>
    </>
  )
}

function endText(conn: Conn): string {
  return 'profile' in conn ? conn.profile : formatUrl(fromConnection(conn), { masked: true })
}

function running() {
  const now = job.overview()
  const left = now?.remaining_seconds
  return [
    {
      label: t('run.overall'),
      value: <span class="overall-percent">{formatPercent(now?.overall_percent ?? 0)}</span>,
    },
    { label: t('run.rowsPerSecond'), value: rowsText(now?.rows_per_second ?? 0) },
    { label: t('run.bytesPerSecond'), value: rateText(now?.bytes_per_second ?? 0) },
    {
      label: t('run.remaining'),
      value: left === undefined ? t('run.unknown') : durationText(Math.round(left)),
    },
    { label: t('run.elapsed'), value: clockText(job.elapsed()) },
  ]
}

/** What is complete, not a percentage: a run that failed must not look finished. */
function finished(summary: Summary, isDry: boolean) {
  const elapsed = { label: t('run.elapsed'), value: clockText(summary.elapsed_seconds) }
  if (isDry) return [elapsed]
  const { whole, tables, rows } = outcomeOf(summary)
  const bytes = summary.tables.reduce((sum, table) => sum + table.bytes, 0)
  const average = averagesOf(summary.phases, { rows, bytes })
  return [
    {
      label: t('repair.whole'),
      value: t('repair.wholeTables', { whole: rowsText(whole), tables: rowsText(tables) }),
    },
    { label: t('run.rows'), value: rowsText(rows) },
    { label: t('run.bytes'), value: bytesText(bytes) },
    ...(average ? [{ label: t('repair.averageRows'), value: rowsText(average.rows) }] : []),
    elapsed,
  ]
}

function RunningActions() {
  return (
    <>
      <Show when={notifyState() === 'off'}>
        <button type="button" onClick={() => void notifyAtEnd()}>
          {t('repair.notify')}
        </button>
      </Show>
      <Show when={notifyState() === 'on' || notifyState() === 'blocked'}>
        <span class="quiet" role="status">
          {t(notifyState() === 'on' ? 'repair.notifyOn' : 'repair.notifyBlocked')}
        </span>
      </Show>
      <CancelButton />
    </>
  )
}

function FinishedActions(props: { summary: Summary; isDry: boolean; request: RequestBody | undefined }) {
  /** Resumes that run: completed work is not repeated. The plan is shown before anything starts. */
  function again(known: RequestBody) {
    takeRequest(known)
    setOption('resume', true)
    goToStep('plan')
  }
  return (
    <>
      <Show when={props.isDry && props.summary.status === 'completed' && props.request}>
        {(known) => <RunThis request={known()} />}
      </Show>
      <Show when={!props.isDry && props.summary.status !== 'completed' && props.request}>
        {(known) => (
          <button type="button" class="primary" onClick={() => again(known())}>
            {t('run.again')}
          </button>
        )}
      </Show>
      <SaveButtons summary={props.summary} id={job.overview()?.id ?? ''} />
      <PageLink to="/#connections" class="button">
        {t('run.another')}
      </PageLink>
    </>
  )
}

export function SaveButtons(props: { summary: Summary; id: string }) {
  return (
    <>
      <button
        type="button"
        onClick={() => download(`pgtrek-${props.id}.json`, JSON.stringify(props.summary, null, 2))}
      >
        {t('run.save')}
      </button>
      <button type="button" onClick={() => print()}>
        {t('run.print')}
      </button>
    </>
  )
}

/** Every tenth percent and every phase: announcing each change would never end. */
function Announcer(props: { percent: number; phase: string }) {
  const [said, setSaid] = createSignal('')
  createEffect(
    on(
      [() => Math.floor(props.percent / 10), () => props.phase, job.isRunning],
      ([tenth, phase, isRunning]) =>
        setSaid(isRunning ? t('run.announce', { percent: `${tenth * 10}%`, phase }) : ''),
    ),
  )
  return (
    <p class="for-readers" role="status">
      {said()}
    </p>
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
