import { resultText, tookText } from './text.ts'
import './history.css'
import { createResource, For, Match, Show, Switch } from 'solid-js'
import { api, type CallFailed } from '../api/calls.ts'
import { dateText, t } from '../i18n/index.ts'
import { Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { job } from '../state/job.ts'
import { route } from '../state/route.ts'
import { Past } from './past.tsx'

export function HistoryPage() {
  const id = () => {
    const now = route()
    return now.page === 'history' ? now.id : undefined
  }
  return (
    <Show when={id()} fallback={<PastList />} keyed>
      {(one) => <Past id={one} />}
    </Show>
  )
}

function PastList() {
  // The list is read again when a run begins or ends.
  const [list, { refetch }] = createResource(
    () => ({ id: job.overview()?.id ?? null, running: job.isRunning() }),
    () => api.migrations(),
  )
  return (
    <section class="step">
      <header class="step-head">
        <h1>{t('history.title')}</h1>
      </header>
      <Switch
        fallback={
          <p class="empty" role="status">
            <span class="spinner" aria-hidden="true" />
            {t('app.loading')}
          </p>
        }
      >
        <Match when={list.error as CallFailed | undefined}>
          {(error) => <Problem of={error()} onRetry={() => void refetch()} />}
        </Match>
        <Match when={list.latest?.length === 0}>
          <div class="empty">
            <p>{t('history.empty')}</p>
            <PageLink to="/">{t('app.migrate')}</PageLink>
          </div>
        </Match>
        <Match when={list.latest}>
          {(found) => (
            <section class="panel scroll-x" aria-label={t('history.title')} tabindex="0">
              <table class="history">
                <thead>
                  <tr>
                    <th scope="col">{t('history.started')}</th>
                    <th scope="col">{t('history.from')}</th>
                    <th scope="col">{t('history.to')}</th>
                    <th scope="col">{t('history.status')}</th>
                    <th scope="col" class="right">
                      {t('history.duration')}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  <For each={found()}>
                    {(past) => (
                      <tr>
                        <th scope="row">
                          <PageLink to={`/#history/${encodeURIComponent(past.id)}`}>
                            {dateText(past.started_at)}
                          </PageLink>
                        </th>
                        <td>{past.source}</td>
                        <td>{past.destination}</td>
                        <td>
                          <span class={`tag status-${past.dry_run ? 'dry' : past.status}`}>
                            {resultText(past)}
                          </span>
                        </td>
                        <td class="right numbers">{tookText(past)}</td>
                      </tr>
                    )}
                  </For>
                </tbody>
              </table>
            </section>
          )}
        </Match>
      </Switch>
    </section>
  )
}
