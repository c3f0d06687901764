// The result of a run, and the actions on it.
import { Show } from 'solid-js'
import type { Conn, RequestBody } from '../../../shared/api.ts'
import type { Summary } from '../../../shared/summary.ts'
import { dateText, inLanguage, rowsText, t } from '../../i18n/index.ts'
import { download } from '../../parts/download.ts'
import { Notice, type Tone } from '../../parts/notice.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { formatUrl, fromConnection } from '../../state/connection-url.ts'
import { setOption, takeRequest } from '../../state/draft.ts'
import { job } from '../../state/job.ts'
import { goToStep } from '../../state/route.ts'
import { outcomeOf } from '../../state/run-outcome.ts'
import { SummaryTable } from './summary-table.tsx'

const tones: Record<Summary['status'], Tone> = {
  completed: 'good',
  completed_with_failures: 'bad',
  failed: 'bad',
  cancelled: 'warn',
}

export function Result(props: { summary: Summary }) {
  const isDry = () => job.overview()?.plan !== undefined
  /** Resumes that run: completed work is not repeated. The plan is shown before anything starts. */
  function again() {
    const known = request()
    if (!known) return
    takeRequest(known)
    setOption('resume', true)
    goToStep('plan')
  }
  const outcome = () => outcomeOf(props.summary)
  const outcomeText = () => {
    const { whole, tables, rows, failed, skipped } = outcome()
    return t(whole === 0 ? 'run.outcomeNone' : 'run.outcome', {
      whole: rowsText(whole),
      tables: rowsText(tables),
      rows: rowsText(rows),
      failed: rowsText(failed),
      skipped: rowsText(skipped),
    })
  }
  const request = () => job.overview()?.request as RequestBody | undefined
  return (
    <div class="result">
      <Show when={request()}>
        {(known) => (
          <p class="only-print">
            {endText(known().source)} → {endText(known().destination)} · {dateText(new Date().toISOString())}
          </p>
        )}
      </Show>
      <Notice
        tone={tones[props.summary.status]}
        role="status"
        title={
          isDry() && props.summary.status === 'completed'
            ? t('run.dryRun')
            : t(`run.result.${props.summary.status}`)
        }
      >
        <p>{isDry() ? t('run.dryRunLead') : t(`run.resultLead.${props.summary.status}`)}</p>
        <Show when={!isDry() && props.summary.status !== 'completed' && outcome().tables > 0}>
          <p class="numbers">{outcomeText()}</p>
        </Show>
        <Show when={props.summary.error}>{(error) => <p class="server-words">{inLanguage(error())}</p>}</Show>
        <div class="actions">
          <Show when={!isDry() && props.summary.status !== 'completed'}>
            <button type="button" class="primary" onClick={again}>
              {t('run.again')}
            </button>
          </Show>
          <SaveButtons summary={props.summary} id={job.overview()?.id ?? 'run'} />
          <PageLink to="/#connections" class="button">
            {t('run.another')}
          </PageLink>
        </div>
        <p class="quiet">
          {t('run.saved')}{' '}
          <PageLink to={`/#history/${job.overview()?.id ?? ''}`}>{t('app.history')}</PageLink>
        </p>
      </Notice>
      <SummaryTable summary={props.summary} />
    </div>
  )
}

function endText(conn: Conn): string {
  return 'profile' in conn ? conn.profile : formatUrl(fromConnection(conn), { masked: true })
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
