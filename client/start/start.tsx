// The first question: what the user wants to do. Beside it, what is going on.
import './start.css'
import { createResource, For, Show } from 'solid-js'
import type { Profile } from '../../shared/api.ts'
import { formatPercent } from '../../shared/format.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { t } from '../i18n/index.ts'
import { Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { Section } from '../parts/section.tsx'
import { formatUrl, isEmptyEnd } from '../state/connection-url.ts'
import { draft, takeProfile } from '../state/draft.ts'
import { purposes } from '../state/draft-shape.ts'
import { fleet } from '../state/fleet.ts'
import { follows, hasProcess } from '../state/follows.ts'
import { job } from '../state/job.ts'
import { journey, pathOf, setPurpose } from '../state/journey.ts'
import { go } from '../state/route.ts'

export function StartPage() {
  return (
    <section class="step start-page">
      <header class="step-head">
        <h1 id="what">{t('start.title')}</h1>
        <p class="lead">{t('start.lead')}</p>
      </header>
      <div class="split">
        <ul class="purposes" aria-labelledby="what">
          <For each={purposes}>
            {(purpose) => (
              <li>
                <button type="button" class="purpose" onClick={() => begin(purpose)}>
                  <span class="purpose-name">{t(`start.purpose.${purpose}`)}</span>
                  <span class="purpose-about">{t(`start.about.${purpose}`)}</span>
                  <span class="purpose-arrow" aria-hidden="true">
                    →
                  </span>
                </button>
              </li>
            )}
          </For>
        </ul>
        <div class="split-side">
          <Now />
          <Profiles />
        </div>
      </div>
    </section>
  )
}

function begin(purpose: (typeof purposes)[number]) {
  setPurpose(purpose)
  const [first = 'connections'] = journey()
  go(pathOf(first))
}

function Now() {
  const ends = () => {
    const [from, to] = [draft.source, draft.destination].map((end) =>
      isEmptyEnd(end) ? '…' : formatUrl(end, { masked: true }).replace(/^\w+:\/\/(?:[^@]*@)?/, ''),
    )
    return `${from} → ${to}`
  }
  const hasDraft = () => !isEmptyEnd(draft.source) || !isEmptyEnd(draft.destination)
  /** The server's answer without an id: no run since it was started. */
  const run = () => (job.overview()?.id ? job.overview() : undefined)
  const isQuiet = () => !run() && !fleet.facts() && !hasDraft() && (follows.list() ?? []).length === 0
  return (
    <Section title={t('start.now')}>
      <Show when={isQuiet()}>
        <div class="now-nothing">
          <p>{t('start.nothing')}</p>
          <p class="quiet">{t('start.nothingLead')}</p>
        </div>
      </Show>
      <ul class="now">
        <Show when={run()}>
          {(known) => (
            <li>
              <PageLink to="/#run">
                {known().running
                  ? `${t('start.running')}: ${formatPercent(known().overall_percent)}`
                  : t('start.lastRun')}
              </PageLink>
              <Show when={known().summary}>
                {(summary) => <span class="quiet">{t(`run.result.${summary().status}`)}</span>}
              </Show>
            </li>
          )}
        </Show>
        <For each={follows.list()?.slice(0, 6)}>
          {(view) => (
            <li>
              <PageLink to={`/#follow/${encodeURIComponent(view.name)}`}>
                {view.source} → {view.destination}
              </PageLink>
              <span class="quiet">
                {t('start.followed')}: {t(`follow.stage.${view.stage}`)},{' '}
                {t(`follow.state.${hasProcess(view) || view.state !== 'running' ? view.state : 'lost'}`)}
              </span>
            </li>
          )}
        </For>
        <Show when={fleet.facts()}>
          <li>
            <PageLink to="/#fleet">{t('start.fleet')}</PageLink>
          </li>
        </Show>
        <Show when={hasDraft()}>
          <li>
            <PageLink to="/#connections">{t('start.draftOpen')}</PageLink>
            <span class="quiet">
              {t('start.draft')}: {ends()}
            </span>
          </li>
        </Show>
      </ul>
    </Section>
  )
}

const shownProfiles = 6

function Profiles() {
  const [profiles, { refetch }] = createResource(() => api.profiles())
  const known = (): Profile[] => (profiles.error || !profiles() ? [] : [...(profiles() ?? [])])
  const open = (profile: Profile) => {
    takeProfile(profile)
    go(pathOf('connections'))
  }
  return (
    <Show when={profiles.error || known().length > 0}>
      <Section title={t('start.profiles')}>
        <Show when={profiles.error as CallFailed | undefined}>
          {(error) => <Problem of={error()} onRetry={() => void refetch()} />}
        </Show>
        <ul class="now">
          <For each={known().slice(0, shownProfiles)}>
            {(profile) => (
              <li>
                <button type="button" class="link" onClick={() => open(profile)}>
                  {profile.name}
                </button>
              </li>
            )}
          </For>
        </ul>
        <Show when={known().length > shownProfiles}>
          <PageLink to="/#connections">{t('start.profilesMore')}</PageLink>
        </Show>
      </Section>
    </Show>
  )
}
