// The frame: top bar, steps, and the page of the address.
import { createEffect, Match, on, Show, Switch } from 'solid-js'
import { sides } from '../shared/constants.ts'
import { formatPercent } from '../shared/format.ts'
import { t } from './i18n/index.ts'
import { loadedLater } from './parts/loaded-later.tsx'
import { Notice } from './parts/notice.tsx'
import { PageLink } from './parts/page-link.tsx'
import { Stations } from './parts/stations.tsx'
import { TopBar } from './parts/top-bar.tsx'
import { StartPage } from './start/start.tsx'
import { lacksPassword } from './state/connection-url.ts'
import { draft } from './state/draft.ts'
import { fleet } from './state/fleet.ts'
import { job } from './state/job.ts'
import { journey, type Place } from './state/journey.ts'
import { go, route, type StepName } from './state/route.ts'
import { shortcuts } from './state/shortcuts.ts'

// What the first screen does not need is loaded when it is shown.
const ConnectionsStep = loadedLater(
  async () => (await import('./steps/connections/connections.tsx')).ConnectionsStep,
)
const ShortcutSheet = loadedLater(async () => (await import('./parts/shortcut-sheet.tsx')).ShortcutSheet)
const SelectionStep = loadedLater(async () => (await import('./steps/selection/selection.tsx')).SelectionStep)
const PlanStep = loadedLater(async () => (await import('./steps/plan/plan.tsx')).PlanStep)
const RunStep = loadedLater(async () => (await import('./steps/run/run.tsx')).RunStep)
const FollowPage = loadedLater(async () => (await import('./follow/follow.tsx')).FollowPage)
const FleetPage = loadedLater(async () => (await import('./fleet/fleet.tsx')).FleetPage)
const HistoryPage = loadedLater(async () => (await import('./history/history.tsx')).HistoryPage)
const ComparePage = loadedLater(async () => (await import('./compare/compare.tsx')).ComparePage)
const SchemaPage = loadedLater(async () => (await import('./compare/schema.tsx')).SchemaPage)
const SchedulesPage = loadedLater(async () => (await import('./schedules/schedules.tsx')).SchedulesPage)
const HelpPage = loadedLater(async () => (await import('./help/help.tsx')).HelpPage)

export function App() {
  let main: HTMLElement | undefined
  const step = () => {
    const now = route()
    return now.page === 'migrate' ? now.step : undefined
  }

  /** Where on the way to the user's purpose this page is, if it is on it. */
  const place = (): Place | undefined => {
    const now = route()
    const here = now.page === 'migrate' ? now.step : now.page
    return journey().find((one) => one === here && one !== 'follow')
  }

  // While a job runs, the page opens on it.
  let isFirst = true
  createEffect(() => {
    if (!isFirst || job.overview() === undefined) return
    isFirst = false
    if (job.isRunning() && route().page === 'start' && location.hash === '') go('/#run')
  })

  // A pgtrek that runs a fleet opens on the board.
  let isFirstFleet = true
  createEffect(() => {
    if (!isFirstFleet || !fleet.facts()) return
    isFirstFleet = false
    if (route().page === 'start' && location.hash === '') go('/#fleet')
  })

  // Screen readers and the tab key continue at the start of the new page.
  createEffect(
    on(
      () => JSON.stringify(route()),
      () => main?.focus(),
      { defer: true },
    ),
  )

  createEffect(() => {
    const now = route()
    const name =
      now.page === 'migrate' ? t(`steps.${now.step}`) : now.page === 'unknown' ? '' : t(`app.${now.page}`)
    const running = job.isRunning() ? formatPercent(job.overview()?.overall_percent ?? 0) : name
    document.title = running ? `${running} · pgtrek` : 'pgtrek'
  })

  return (
    <>
      <button type="button" class="skip" onClick={() => main?.focus()}>
        {t('app.skip')}
      </button>
      <TopBar />
      <Show when={job.connection() === 'lost'}>
        <p class="lost" role="status">
          {t('app.lost')}
        </p>
      </Show>
      <Show when={shortcuts.isSheetOpen()}>
        <ShortcutSheet />
      </Show>
      <Show when={place()}>{(name) => <Stations current={name()} />}</Show>
      <main id="content" tabindex="-1" ref={main}>
        <Switch>
          <Match when={route().page === 'start'}>
            <StartPage />
          </Match>
          <Match when={step()}>{(name) => <Step name={name()} />}</Match>
          <Match when={route().page === 'follow'}>
            <FollowPage />
          </Match>
          <Match when={route().page === 'fleet'}>
            <FleetPage />
          </Match>
          <Match when={route().page === 'schedules'}>
            <SchedulesPage />
          </Match>
          <Match when={route().page === 'history'}>
            <HistoryPage />
          </Match>
          <Match when={route().page === 'compare'}>
            <ComparePage />
          </Match>
          <Match when={route().page === 'schema'}>
            <SchemaPage />
          </Match>
          <Match when={route().page === 'help'}>
            <HelpPage />
          </Match>
          <Match when={route().page === 'unknown'}>
            <section class="empty">
              <h1>{t('app.notFound')}</h1>
              <PageLink to="/">{t('app.start')}</PageLink>
            </section>
          </Match>
        </Switch>
      </main>
    </>
  )
}

function Step(props: { name: StepName }) {
  return (
    <>
      <Show when={props.name === 'selection' || props.name === 'plan'}>
        <PasswordsLost />
      </Show>
      <StepContent name={props.name} />
    </>
  )
}

/** For steps other than the connections, which show it beside the field. */
function PasswordsLost() {
  const lacking = () => sides.filter((side) => lacksPassword(draft[side]))
  const names = () =>
    lacking()
      .map((side) => t(`connections.${side}`).toLowerCase())
      .join(' + ')
  return (
    <Show when={lacking().length > 0}>
      <Notice tone="warn" role="status">
        <p>{t('connections.passwordsLost', { sides: names() })}</p>
        <PageLink to="/#connections">{t('steps.connections')}</PageLink>
      </Notice>
    </Show>
  )
}

function StepContent(props: { name: StepName }) {
  return (
    <Switch>
      <Match when={props.name === 'connections'}>
        <ConnectionsStep />
      </Match>
      <Match when={props.name === 'selection'}>
        <SelectionStep />
      </Match>
      <Match when={props.name === 'plan'}>
        <PlanStep />
      </Match>
      <Match when={props.name === 'run'}>
        <RunStep />
      </Match>
    </Switch>
  )
}
