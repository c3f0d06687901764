// The report of a switchover: what was verified and what to do next.
import { For, Show } from 'solid-js'
import type { SwitchoverReport } from '../../shared/switchover.ts'
import { dateText, durationText, inLanguage, rowsText, t } from '../i18n/index.ts'
import { download } from '../parts/download.ts'
import { Fact } from '../parts/fact.tsx'
import { Notice } from '../parts/notice.tsx'
import { ReportTables } from './report-tables.tsx'

export function Report(props: { report: SwitchoverReport; name: string }) {
  const different = () => props.report.tables.filter(({ equal }) => !equal).length
  const save = () => download(`pgtrek-switchover-${props.name}.json`, JSON.stringify(props.report, null, 2))
  return (
    <section class="panel report" aria-labelledby="report">
      <div class="panel-head">
        <h2 id="report">{t('follow.report.title')}</h2>
        <div class="actions">
          <button type="button" onClick={save}>
            {t('follow.report.save')}
          </button>
          <button type="button" onClick={() => print()}>
            {t('follow.report.print')}
          </button>
        </div>
      </div>
      <Show
        when={different() === 0}
        fallback={
          <Notice
            tone="bad"
            role="alert"
            title={t('follow.report.different', { count: rowsText(different()) })}
          >
            <p>{t('follow.report.differentLead')}</p>
          </Notice>
        }
      >
        <Notice
          tone="good"
          role="status"
          title={t('follow.report.same', { count: rowsText(props.report.tables.length) })}
        />
      </Show>
      <Sentences title={t('follow.report.accepted')} of={props.report.objects?.accepted ?? []} />
      <Sentences title={t('follow.report.remarks')} of={props.report.objects?.remarks ?? []} />
      <Sentences title={t('follow.report.viewsFailed')} of={props.report.materialized_views?.failed ?? []} />
      <ToChange report={props.report} />
      <Facts report={props.report} />
      <ReportTables report={props.report} />
    </section>
  )
}

function Sentences(props: { title: string; of: readonly string[] }) {
  return (
    <Show when={props.of.length > 0}>
      <Notice tone="warn" title={props.title}>
        <ul class="reasons">
          <For each={props.of}>{(sentence) => <li>{inLanguage(sentence)}</li>}</For>
        </ul>
      </Notice>
    </Show>
  )
}

function ToChange(props: { report: SwitchoverReport }) {
  const ways = () => ({ from: props.report.from, to: props.report.to })
  const toRefresh = () => {
    const { total = 0, refreshed = 0 } = props.report.materialized_views ?? {}
    return total - refreshed
  }
  const changes = () => [
    t('follow.report.changes.address', ways()),
    t('follow.report.changes.pools'),
    t('follow.report.changes.restart'),
    t(`follow.report.changes.${props.report.read_only.set ? 'readOnly' : 'writes'}`, ways()),
    ...(toRefresh() > 0
      ? [t('follow.report.changes.views', { ...ways(), count: rowsText(toRefresh()) })]
      : []),
    ...(props.report.reverse ? [t('follow.report.changes.reverse', ways())] : []),
    t('follow.report.changes.cleanup'),
  ]
  return (
    <>
      <h3>{t('follow.report.change')}</h3>
      <ol class="will">
        <For each={changes()}>{(change) => <li>{change}</li>}</For>
      </ol>
      <Show when={props.report.next.length > 0}>
        <details>
          <summary>{t('follow.report.next')}</summary>
          <ul class="reasons">
            <For each={props.report.next}>{(sentence) => <li>{inLanguage(sentence)}</li>}</For>
          </ul>
        </details>
      </Show>
    </>
  )
}

function Facts(props: { report: SwitchoverReport }) {
  const took = () =>
    (new Date(props.report.finished_at).getTime() - new Date(props.report.started_at).getTime()) / 1000
  const sentinel = () => {
    const { proof, lsn, confirmed_at, seconds } = props.report.sentinel
    return t(`follow.report.${proof === 'message' ? 'sentinelMessage' : 'sentinelPosition'}`, {
      lsn,
      confirmed: dateText(confirmed_at),
      seconds: durationText(seconds),
    })
  }
  const readOnly = () =>
    props.report.read_only.set
      ? t('follow.report.readOnlySet', { count: props.report.read_only.sessions_ended })
      : t('app.no')
  return (
    <dl class="facts wide">
      <Fact name={t('follow.report.from')}>{props.report.from}</Fact>
      <Fact name={t('follow.report.to')}>{props.report.to}</Fact>
      <Fact name={t('follow.report.started')}>{dateText(props.report.started_at)}</Fact>
      <Fact name={t('follow.report.finished')}>{dateText(props.report.finished_at)}</Fact>
      <Fact name={t('follow.report.took')}>{durationText(took())}</Fact>
      <Fact name={t('follow.report.sentinel')}>{sentinel()}</Fact>
      <Fact name={t('follow.report.readOnly')}>{readOnly()}</Fact>
      <Fact name={t('follow.report.applied')}>
        {t('follow.report.appliedText', {
          transactions: rowsText(props.report.transactions),
          rows: rowsText(props.report.rows),
        })}
      </Fact>
      <Fact name={t('follow.report.compared')}>{t(`follow.report.comparedBy.${props.report.compared}`)}</Fact>
      <Show when={props.report.objects}>
        {(objects) => (
          <Fact name={t('follow.report.objects')}>
            {t('follow.report.objectsText', {
              compared: rowsText(objects().compared),
              accepted: rowsText(objects().accepted.length),
            })}
          </Fact>
        )}
      </Show>
      <Fact name={t('follow.report.largeObjects')}>
        {t('follow.report.largeObjectsText', props.report.large_objects)}
      </Fact>
      <Show when={props.report.materialized_views}>
        {(views) => (
          <Fact name={t('follow.report.views')}>
            {t('follow.report.viewsText', {
              total: rowsText(views().total),
              refreshed: rowsText(views().refreshed),
            })}
          </Fact>
        )}
      </Show>
    </dl>
  )
}
