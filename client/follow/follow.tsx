import './follow.css'
import { Index, Match, Show, Switch } from 'solid-js'
import type { FollowView } from '../../shared/follow-view.ts'
import { bytesText, t } from '../i18n/index.ts'
import { Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { cleaned } from '../state/cleaned.ts'
import { follows, hasProcess, mainStream, readFollows } from '../state/follows.ts'
import { route } from '../state/route.ts'
import { Cleaned } from './cleanup.tsx'
import { Followed } from './followed.tsx'
import { lagTimeText } from './lag.tsx'

export function FollowPage() {
  const name = () => {
    const now = route()
    return now.page === 'follow' ? now.name : undefined
  }
  return (
    <section class="step follow">
      <Show when={name()} fallback={<FollowList />} keyed>
        {(one) => <One name={one} />}
      </Show>
    </section>
  )
}

function One(props: { name: string }) {
  return (
    <>
      <p class="back">
        <PageLink to="/#follow">
          <span aria-hidden="true">←</span> {t('follow.all')}
        </PageLink>
      </p>
      <Show when={follows.find(props.name)} fallback={<Absent name={props.name} />}>
        {(view) => <Followed view={view()} />}
      </Show>
    </>
  )
}

function Absent(props: { name: string }) {
  return (
    <Show when={follows.list()} fallback={<Loading />}>
      <div class="empty" role="status">
        <h1>{t('follow.gone', { name: props.name })}</h1>
      </div>
    </Show>
  )
}

function Loading() {
  return (
    <Show
      when={follows.problem()}
      fallback={
        <p class="empty" role="status">
          <span class="spinner" aria-hidden="true" />
          {t('app.loading')}
        </p>
      }
    >
      {(problem) => <Problem of={problem()} onRetry={() => void readFollows()} />}
    </Show>
  )
}

function FollowList() {
  return (
    <>
      <header class="step-head">
        <h1>{t('follow.title')}</h1>
        <p class="lead">{t('follow.lead')}</p>
      </header>
      <Show when={cleaned()}>{(last) => <Cleaned {...last()} />}</Show>
      <Switch fallback={<Loading />}>
        <Match when={follows.list()?.length === 0}>
          <div class="empty">
            <p>
              <b>{t('follow.empty')}</b>
            </p>
            <p>{t('follow.emptyLead')}</p>
            <PageLink to="/#plan">{t('steps.plan')}</PageLink>
          </div>
        </Match>
        <Match when={follows.list()}>{(list) => <Rows list={list()} />}</Match>
      </Switch>
    </>
  )
}

function Rows(props: { list: FollowView[] }) {
  return (
    <section class="panel scroll-x" aria-label={t('follow.list')} tabindex="0">
      <table class="follows">
        <thead>
          <tr>
            <th scope="col">{t('follow.name')}</th>
            <th scope="col">{t('history.from')}</th>
            <th scope="col">{t('history.to')}</th>
            <th scope="col">{t('follow.stageWord')}</th>
            <th scope="col">{t('follow.stateWord')}</th>
            <th scope="col" class="right">
              {t('follow.lagWord')}
            </th>
            <th scope="col">{t('follow.readyWord')}</th>
          </tr>
        </thead>
        <tbody>
          <Index each={props.list}>
            {(view) => (
              <tr>
                <th scope="row">
                  <PageLink to={`/#follow/${encodeURIComponent(view().name)}`}>{view().name}</PageLink>
                </th>
                <td>{view().source}</td>
                <td>{view().destination}</td>
                <td>{t(`follow.stage.${view().stage}`)}</td>
                <td>
                  <span class={`tag state-${view().state}`}>{t(`follow.state.${view().state}`)}</span>
                </td>
                <td class="right numbers">{lagText(view())}</td>
                <td>{hasProcess(view()) ? t(view().ready.green ? 'app.yes' : 'app.no') : '–'}</td>
              </tr>
            )}
          </Index>
        </tbody>
      </table>
    </section>
  )
}

/** An outdated number would look like a current one. */
function lagText(view: FollowView): string {
  const status = hasProcess(view) ? mainStream(view)?.status : undefined
  return status ? `${bytesText(status.lagBytes)}, ${lagTimeText(status.lagMilliseconds)}` : '–'
}
