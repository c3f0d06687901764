import './run.css'
import { Match, Show, Switch } from 'solid-js'
import type { Summary } from '../../../shared/summary.ts'
import { dateText, inLanguage, rowsText, t } from '../../i18n/index.ts'
import { PageLink } from '../../parts/page-link.tsx'
import { Section } from '../../parts/section.tsx'
import { job, readLog } from '../../state/job.ts'
import { outcomeOf } from '../../state/run-outcome.ts'
import { Destroyed } from '../plan/destroyed.tsx'
import { PlanFacts } from '../plan/facts.tsx'
import { SpeedCurve } from './curve.tsx'
import { Failures } from './failures.tsx'
import { RunHead } from './head.tsx'
import { LogPart } from './log.tsx'
import { Phases } from './phases.tsx'
import { PrintedTables } from './summary-table.tsx'
import { TableList } from './tables.tsx'

export function RunStep() {
  const hasJob = () => typeof job.overview()?.id === 'string'
  return (
    <section class="step run">
      <Switch>
        <Match when={hasJob()}>
          <RunHead />
          <JobView />
        </Match>
        <Match when={job.overview() === undefined && job.connection() !== 'lost'}>
          <h1>{t('run.title')}</h1>
          <p class="empty" role="status">
            <span class="spinner" aria-hidden="true" />
            {t('app.loading')}
          </p>
        </Match>
        <Match when={true}>
          <h1>{t('run.title')}</h1>
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
  const id = () => job.overview()?.id
  /** A run of a second or two ends before its speed is measured. */
  const hasCurve = () => job.isRunning() || job.speeds().bytes_per_second.some((speed) => speed > 0)
  return (
    <>
      <Show when={job.overview()?.summary}>
        {(summary) => <Outcome summary={summary()} isDry={plan() !== undefined} />}
      </Show>
      <Show when={plan()}>
        {(known) => (
          <Section class="plan" title={t('options.plan')}>
            <Destroyed list={known().destroyed} />
            <PlanFacts plan={known()} />
          </Section>
        )}
      </Show>
      <Failures />
      <Show when={!plan()}>
        <div class="run-columns">
          <Show when={hasCurve()}>
            <SpeedCurve speeds={job.speeds()} now={job.overview()} />
          </Show>
          <Phases />
        </div>
        <TableList tables={job.tables()} />
      </Show>
      <LogPart lines={job.log()} onOpen={() => void readLog(id() ?? '')} live />
    </>
  )
}

/** What is complete and what is not, in words: the numbers of the head, and why. */
function Outcome(props: { summary: Summary; isDry: boolean }) {
  const numbers = () => outcomeOf(props.summary)
  const complete = () => {
    const { whole, tables, rows } = numbers()
    return t(whole === 0 ? 'repair.completeNone' : 'repair.complete', {
      whole: rowsText(whole),
      tables: rowsText(tables),
      rows: rowsText(rows),
    })
  }
  const missing = () => {
    const { whole, tables, failed, skipped } = numbers()
    if (failed + skipped > 0) {
      return t('repair.notComplete', { failed: rowsText(failed), skipped: rowsText(skipped) })
    }
    return whole < tables ? t('repair.notReached', { tables: rowsText(tables - whole) }) : ''
  }
  return (
    <div class="outcome" role="status">
      <p>{props.isDry ? t('run.dryRunLead') : t(`run.resultLead.${props.summary.status}`)}</p>
      <Show when={!props.isDry && numbers().tables > 0}>
        <p class="numbers">
          {complete()} {missing()}
        </p>
      </Show>
      <Show when={props.summary.error}>{(error) => <p class="server-words">{inLanguage(error())}</p>}</Show>
      <p class="quiet">
        {t('run.saved')} <PageLink to={`/#history/${job.overview()?.id ?? ''}`}>{t('app.history')}</PageLink>
        <span class="only-print"> {dateText(new Date().toISOString())}</span>
      </p>
      <PrintedTables summary={props.summary} />
    </div>
  )
}
