// The fleet: all mappings at once, and one database in full.
import '../follow/follow.css'
import '../steps/run/run.css'
import './fleet.css'
import { createMemo, type JSX, onMount, Show } from 'solid-js'
import { dateText, inLanguage, t } from '../i18n/index.ts'
import { Problem } from '../parts/notice.tsx'
import { fleet, readFleet } from '../state/fleet.ts'
import { route } from '../state/route.ts'
import { LogView } from '../steps/run/log.tsx'
import { Actions } from './actions.tsx'
import { Board } from './board.tsx'
import { Detail } from './detail.tsx'
import { possible } from './place.ts'
import { createAsked } from './request-dialog.tsx'
import { createShown, Toolbar } from './toolbar.tsx'
import { Totals } from './totals.tsx'

export function FleetPage() {
  // Keeps what was expanded and searched while one database is shown.
  const shown = createShown()
  const one = () => {
    const now = route()
    if (now.page !== 'fleet' || now.mapping === undefined || now.database === undefined) return undefined
    return { mapping: now.mapping, database: now.database }
  }
  onMount(() => {
    if (!fleet.facts()) void readFleet()
  })
  return (
    <section class="step follow fleet">
      <Present>
        <Show when={one()} fallback={<Whole shown={shown} />} keyed>
          {(place) => <Detail {...place} />}
        </Show>
      </Present>
    </section>
  )
}

function Present(props: { children: JSX.Element }) {
  return (
    <Show when={fleet.facts()} fallback={<Absent />}>
      {props.children}
    </Show>
  )
}

function Absent() {
  return (
    <Show
      when={fleet.isAbsent()}
      fallback={
        <Show
          when={fleet.problem()}
          fallback={
            <p class="empty" role="status">
              <span class="spinner" aria-hidden="true" />
              {t('app.loading')}
            </p>
          }
        >
          {(problem) => <Problem of={problem()} onRetry={() => void readFleet()} />}
        </Show>
      }
    >
      <div class="empty" role="status">
        <h1>{t('fleet.none')}</h1>
        <p class="mono">{t('fleet.noneLead')}</p>
      </div>
    </Show>
  )
}

function Whole(props: { shown: ReturnType<typeof createShown> }) {
  const mappings = createMemo(() => fleet.mappings())
  const asked = createAsked()
  const can = createMemo(() => {
    const parts = mappings().map(({ head, databases }) => possible(databases, head.follow))
    const some = (key: keyof (typeof parts)[number]) => parts.some((part) => part[key])
    return {
      switchover: some('switchover'),
      back: some('back'),
      pause: some('pause'),
      resume: some('resume'),
      retry: some('retry'),
      complete: false,
    }
  })
  const lines = createMemo(() =>
    fleet.log().map(({ mapping, database, message, ...line }) => ({
      ...line,
      message: `${[mapping, database].filter(Boolean).join(' / ')}${mapping ? ': ' : ''}${inLanguage(message)}`,
    })),
  )
  return (
    <>
      <header class="step-head">
        <h1>{t('fleet.title')}</h1>
        <p class="lead">{t('fleet.lead')}</p>
        <p class="quiet">
          {t('fleet.updated', { at: dateText(new Date(fleet.facts()?.updated_at ?? 0).toISOString()) })}
          <Show when={fleet.facts()?.stateless}>
            <span class="tag">{t('fleet.stateless')}</span>
          </Show>
        </p>
      </header>
      <Totals mappings={mappings()} />
      <Actions place={{}} can={can()} onAsk={asked.onAsk} />
      {asked.outcome()}
      <section class="panel board-panel" aria-labelledby="board">
        <h2 id="board">{t('fleet.all')}</h2>
        <Toolbar mappings={mappings()} shown={props.shown} />
        <Board mappings={mappings()} shown={props.shown} onAsk={asked.onAsk} />
      </section>
      <LogView lines={lines()} live />
      {asked.view()}
    </>
  )
}
