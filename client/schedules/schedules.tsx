// The schedules: a list, the form of a new one, and one schedule with its past runs.
import './schedules.css'
import { createResource, createSignal, For, onCleanup, Show } from 'solid-js'
import type { Schedule, ScheduleEntry } from '../../shared/schedule-api.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { createRequest } from '../follow/request.ts'
import { t } from '../i18n/index.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { Section } from '../parts/section.tsx'
import { go, route } from '../state/route.ts'
import { ScheduleForm } from './form.tsx'
import { fromNowText, zonedText } from './text.ts'

const betweenReadsMs = 5_000

export function SchedulesPage() {
  const name = () => {
    const now = route()
    return now.page === 'schedules' ? now.name : undefined
  }
  return (
    <Show when={name()} fallback={<List />} keyed>
      {(one) => <Details name={one} />}
    </Show>
  )
}

/** Read again while the page is shown. */
function repeated(refetch: () => unknown) {
  const timer = setInterval(() => void refetch(), betweenReadsMs)
  onCleanup(() => clearInterval(timer))
}

function List() {
  const [list, { refetch }] = createResource(() => api.schedules())
  const [isOpen, setIsOpen] = createSignal(false)
  repeated(refetch)
  return (
    <section class="step">
      <header class="step-head">
        <h1>{t('schedules.title')}</h1>
        <p class="quiet">{t('schedules.lead')}</p>
      </header>
      <Show
        when={isOpen()}
        fallback={
          <div class="actions">
            <button type="button" class="primary" onClick={() => setIsOpen(true)}>
              {t('schedules.create')}
            </button>
          </div>
        }
      >
        <ScheduleForm
          onSaved={(name) => go(`/#schedules/${encodeURIComponent(name)}`)}
          onClose={() => setIsOpen(false)}
        />
      </Show>
      <Show when={list.error as CallFailed | undefined}>
        {(error) => <Problem of={error()} onRetry={() => void refetch()} />}
      </Show>
      <Show when={!list.error && list.loading && !list.latest}>
        <p class="empty" role="status">
          {t('app.loading')}
        </p>
      </Show>
      <Show when={!list.error && list.latest?.length === 0 && !isOpen()}>
        <p class="empty">{t('schedules.empty')}</p>
      </Show>
      <Show when={!list.error && (list.latest?.length ?? 0) > 0}>
        <section class="scroll-x" aria-label={t('schedules.title')} tabindex="0">
          <table class="history schedules">
            <thead>
              <tr>
                <th scope="col">{t('schedules.name')}</th>
                <th scope="col">{t('schedules.profile')}</th>
                <th scope="col">{t('schedules.nextRun')}</th>
                <th scope="col">{t('schedules.last')}</th>
                <th scope="col">{t('schedules.enabled')}</th>
              </tr>
            </thead>
            <tbody>
              <For each={list.latest}>{(one) => <Row schedule={one} onChange={refetch} />}</For>
            </tbody>
          </table>
        </section>
      </Show>
    </section>
  )
}

function Row(props: { schedule: Schedule; onChange: () => unknown }) {
  const { problem, send } = createRequest()
  const turn = async (enabled: boolean) => {
    await send(() => api.enableSchedule(props.schedule.name, enabled))
    await props.onChange()
  }
  return (
    <tr>
      <th scope="row">
        <PageLink to={`/#schedules/${encodeURIComponent(props.schedule.name)}`}>
          {props.schedule.name}
        </PageLink>
      </th>
      <td>{props.schedule.profile}</td>
      <td>
        <NextRun schedule={props.schedule} />
      </td>
      <td>
        <Show when={props.schedule.last} fallback={t('schedules.never')}>
          {(last) => <Outcome state={last().state} />}
        </Show>
      </td>
      <td>
        <input
          type="checkbox"
          aria-label={t('schedules.enabledOf', { name: props.schedule.name })}
          checked={props.schedule.enabled}
          onChange={(event) => void turn(event.currentTarget.checked)}
        />
        <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      </td>
    </tr>
  )
}

function NextRun(props: { schedule: Schedule }) {
  return (
    <Show when={props.schedule.next_at} fallback={t('schedules.disabled')}>
      {(at) => (
        <>
          {zonedText(at(), props.schedule.zone)} <span class="quiet nowrap">{fromNowText(at())}</span>
        </>
      )}
    </Show>
  )
}

const bad: readonly ScheduleEntry['state'][] = ['failed', 'refused', 'interrupted', 'missed']

function Outcome(props: { state: ScheduleEntry['state'] }) {
  return (
    <span class="tag" classList={{ bad: bad.includes(props.state), warn: props.state === 'skipped' }}>
      {t(`schedules.states.${props.state}`)}
    </span>
  )
}

function Details(props: { name: string }) {
  const [details, { refetch }] = createResource(() => api.schedule(props.name))
  const [isAsked, setIsAsked] = createSignal(false)
  const { busy, problem, send } = createRequest()
  repeated(refetch)
  const run = async () => {
    await send(() => api.runSchedule(props.name))
    await refetch()
  }
  const remove = async () => {
    setIsAsked(false)
    if (await send(() => api.removeSchedule(props.name))) go('/#schedules')
  }
  return (
    <section class="step">
      <p>
        <PageLink to="/#schedules">
          <span aria-hidden="true">←</span> {t('schedules.back')}
        </PageLink>
      </p>
      <header class="step-head">
        <h1>{props.name}</h1>
      </header>
      <Show when={details.error as CallFailed | undefined}>
        {(error) => <Problem of={error()} onRetry={() => void refetch()} />}
      </Show>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <Show when={details.error ? undefined : details.latest}>
        {(known) => (
          <>
            <Changed schedule={known()} />
            <dl class="facts">
              <div>
                <dt>{t('schedules.profile')}</dt>
                <dd>{known().profile}</dd>
              </div>
              <div>
                <dt>{t('schedules.nextRun')}</dt>
                <dd>
                  <NextRun schedule={known()} />
                </dd>
              </div>
              <div>
                <dt>{t('schedules.zone')}</dt>
                <dd>{known().zone}</dd>
              </div>
            </dl>
            <div class="actions">
              <button type="button" class="primary" disabled={busy()} onClick={() => void run()}>
                {t('schedules.runNow')}
              </button>
              <button type="button" class="danger" onClick={() => setIsAsked(true)}>
                {t('schedules.remove')}
              </button>
            </div>
            <Past entries={known().entries} zone={known().zone} />
          </>
        )}
      </Show>
      <Confirm
        open={isAsked()}
        title={t('schedules.removeTitle', { name: props.name })}
        yes={t('schedules.remove')}
        no={t('app.cancel')}
        onYes={() => void remove()}
        onClose={() => setIsAsked(false)}
      >
        {t('schedules.removeLead')}
      </Confirm>
    </section>
  )
}

function Changed(props: { schedule: Schedule }) {
  const text = () => {
    const { profile_state: state, confirmation_void: isVoid } = props.schedule
    if (state === 'deleted') return t('schedules.deleted')
    if (state === 'ends_changed') return t('schedules.endsChanged')
    return isVoid ? t('schedules.changed') : undefined
  }
  return <Show when={text()}>{(words) => <Notice tone="warn">{words()}</Notice>}</Show>
}

function Past(props: { entries: readonly ScheduleEntry[]; zone: string }) {
  return (
    <Section title={t('schedules.past')}>
      <Show when={props.entries.length > 0} fallback={<p class="quiet">{t('schedules.noPast')}</p>}>
        <section class="scroll-x" aria-label={t('schedules.pastList')} tabindex="0">
          <table class="history schedules">
            <thead>
              <tr>
                <th scope="col">{t('schedules.due')}</th>
                <th scope="col">{t('schedules.outcome')}</th>
                <th scope="col">{t('schedules.runs')}</th>
              </tr>
            </thead>
            <tbody>
              <For each={props.entries}>
                {(entry) => (
                  <tr>
                    <th scope="row">{zonedText(entry.due_at, props.zone)}</th>
                    <td>
                      <Outcome state={entry.state} />{' '}
                      <Show when={entry.count > 1}>
                        {t('schedules.missedCount', { count: entry.count })}{' '}
                      </Show>
                      <Show when={entry.state !== 'succeeded'}>
                        <span class="quiet">{entry.message}</span>
                      </Show>
                    </td>
                    <td>
                      <For each={entry.runs}>
                        {(run) => <PageLink to={`/#history/${encodeURIComponent(run)}`}>{run} </PageLink>}
                      </For>
                    </td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </section>
      </Show>
    </Section>
  )
}
