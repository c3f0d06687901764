// One database of the fleet in full, read again whenever the board gets news of it.
import { createEffect, createMemo, createSignal, Match, on, Show, Switch } from 'solid-js'
import type { FleetDatabase } from '../../shared/fleet.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { api, CallFailed } from '../api/calls.ts'
import { ChangeList } from '../follow/changes.tsx'
import { ConflictCard } from '../follow/conflict.tsx'
import { CopyPanel } from '../follow/copy.tsx'
import { Facts } from '../follow/facts.tsx'
import { Lag } from '../follow/lag.tsx'
import { CutoverReadiness } from '../follow/readiness.tsx'
import { RecopyState } from '../follow/recopy.tsx'
import { Report } from '../follow/report.tsx'
import { Slots } from '../follow/slots.tsx'
import { StageLine } from '../follow/stages.tsx'
import { SwitchoverProgress } from '../follow/switchover-progress.tsx'
import { FollowWarnings, LastError, TablesNotFollowed } from '../follow/warnings.tsx'
import { t } from '../i18n/index.ts'
import { Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { fleet } from '../state/fleet.ts'
import { hasProcess, mainStream } from '../state/follows.ts'
import { LogView } from '../steps/run/log.tsx'
import { DatabaseMore } from './more.tsx'
import { createAsked } from './request-dialog.tsx'

export function Detail(props: { mapping: string; database: string }) {
  const known = createMemo(() => fleet.database(props.mapping, props.database))
  return (
    <>
      <p class="back">
        <PageLink to="/#fleet">
          <span aria-hidden="true">←</span> {t('fleet.detail.back')}
        </PageLink>
      </p>
      <Show
        when={known()}
        fallback={
          <div class="empty" role="status">
            <h1>{t('fleet.detail.gone')}</h1>
          </div>
        }
      >
        {(database) => <One mapping={props.mapping} database={database()} />}
      </Show>
    </>
  )
}

function One(props: { mapping: string; database: FleetDatabase }) {
  const asked = createAsked()
  const full = createFull(() => ({ mapping: props.mapping, database: props.database }))
  const mapping = createMemo(() => fleet.mapping(props.mapping))
  return (
    <>
      <header class="step-head">
        <h1>
          {props.mapping} <span aria-hidden="true">/</span> {props.database.name}
        </h1>
        <p>
          <span class={`tag fleet-${props.database.state}`}>{t(`fleet.state.${props.database.state}`)}</span>
        </p>
      </header>
      {asked.outcome()}
      <Show when={mapping()}>
        {(one) => (
          <section class="panel">
            <DatabaseMore mapping={one()} database={props.database} onAsk={asked.onAsk} bare />
          </section>
        )}
      </Show>
      <Switch>
        <Match when={full.problem()}>{(problem) => <Problem of={problem()} />}</Match>
        <Match when={full.isNothing()}>
          <p class="empty small">{t('fleet.detail.nothing')}</p>
        </Match>
        <Match when={full.view()}>{(view) => <Full view={view()} />}</Match>
      </Switch>
      {asked.view()}
    </>
  )
}

function Full(props: { view: FollowView }) {
  const conflict = () => (hasProcess(props.view) ? mainStream(props.view)?.status.conflict : undefined)
  const isCopying = () => ['preflight', 'schema', 'copy'].includes(props.view.stage)
  return (
    <>
      <StageLine view={props.view} />
      <Show when={props.view.stage !== 'done'}>
        <CutoverReadiness view={props.view} />
      </Show>
      <Show when={conflict()}>{(known) => <ConflictCard name={props.view.name} conflict={known()} />}</Show>
      <SwitchoverProgress view={props.view} />
      <Show when={props.view.switchover?.report}>
        {(report) => <Report report={report()} name={props.view.name} />}
      </Show>
      <LastError view={props.view} />
      <TablesNotFollowed view={props.view} />
      <RecopyState view={props.view} />
      <FollowWarnings view={props.view} />
      <Show when={props.view.copy}>
        {(copy) => <CopyPanel copy={copy()} running={isCopying() && hasProcess(props.view)} />}
      </Show>
      <Lag view={props.view} />
      <Slots view={props.view} />
      <ChangeList view={props.view} />
      <Facts view={props.view} />
      <LogView lines={props.view.log} live />
    </>
  )
}

function createFull(of: () => { mapping: string; database: FleetDatabase }) {
  const [view, setView] = createSignal<FollowView>()
  const [isNothing, setNothing] = createSignal(false)
  const [problem, setProblem] = createSignal<CallFailed>()
  let isReading = false
  let isStale = false
  async function read() {
    const { mapping, database } = of()
    try {
      const answer = await api.fleetDatabase(mapping, database.name)
      setView(answer)
      setNothing(false)
      setProblem(undefined)
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      setNothing(error.status === 404)
      setProblem(error.status === 404 ? undefined : error)
    }
  }
  createEffect(
    on(of, async () => {
      // One request at a time; the newest is the last.
      isStale = true
      if (isReading) return
      isReading = true
      try {
        while (isStale) {
          isStale = false
          await read()
        }
      } finally {
        isReading = false
      }
    }),
  )
  return { view, isNothing, problem }
}
