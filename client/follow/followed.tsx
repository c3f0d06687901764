// One followed database: its state, progress and actions.
import { createMemo, Show } from 'solid-js'
import { isWatchOnly } from '../../shared/follow-health.ts'
import type { FollowLogLine, FollowView } from '../../shared/follow-view.ts'
import { dateText, t } from '../i18n/index.ts'
import { Notice } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { follows, hasProcess, mainStream } from '../state/follows.ts'
import { LogView } from '../steps/run/log.tsx'
import '../steps/run/run.css'
import { FollowActions } from './actions.tsx'
import { ChangeList } from './changes.tsx'
import { ConflictCard } from './conflict.tsx'
import { CopyPanel } from './copy.tsx'
import { Facts } from './facts.tsx'
import { Lag } from './lag.tsx'
import { CutoverReadiness } from './readiness.tsx'
import { RecopyState } from './recopy.tsx'
import { Report } from './report.tsx'
import { Slots } from './slots.tsx'
import { StageLine } from './stages.tsx'
import { SwitchoverProgress } from './switchover-progress.tsx'
import { FollowWarnings, LastError, LateWrites, TablesNotFollowed } from './warnings.tsx'

export function Followed(props: { view: FollowView }) {
  const conflict = () => (hasProcess(props.view) ? mainStream(props.view)?.status.conflict : undefined)
  const isCopying = () => ['preflight', 'schema', 'copy'].includes(props.view.stage)
  // Each view has a new array, mostly with the same lines.
  const lines = createMemo<readonly FollowLogLine[]>(() => props.view.log, [], { equals: areSame })
  return (
    <>
      <header class="step-head">
        <h1>
          {props.view.source} <span aria-hidden="true">→</span> {props.view.destination}
        </h1>
        <p class="quiet">
          {props.view.name}
          <Show when={props.view.bidirectional}>
            <span class="tag">{t('follow.bidirectional')}</span>
          </Show>
        </p>
      </header>
      <StageLine view={props.view} />
      <StateSummary view={props.view} />
      <FollowActions view={props.view} />
      <Show when={conflict()}>{(known) => <ConflictCard name={props.view.name} conflict={known()} />}</Show>
      <SwitchoverProgress view={props.view} />
      <Show when={props.view.switchover?.report}>
        {(report) => <Report report={report()} name={props.view.name} />}
      </Show>
      <LastError view={props.view} />
      <LateWrites view={props.view} />
      <TablesNotFollowed view={props.view} />
      <RecopyState view={props.view} />
      <FollowWarnings view={props.view} />
      <Show when={props.view.copy}>
        {(copy) => (
          <CopyPanel
            copy={copy()}
            running={(isCopying() || props.view.recopy?.state === 'running') && hasProcess(props.view)}
          />
        )}
      </Show>
      <Lag view={props.view} />
      <Slots view={props.view} />
      <ChangeList view={props.view} />
      <Facts view={props.view} />
      <LogView lines={lines()} live />
    </>
  )
}

/** Its state, with cutover readiness beside it unless the move is over. */
function StateSummary(props: { view: FollowView }) {
  const isOver = () => props.view.stage === 'done' && (!hasProcess(props.view) || isWatchOnly(props.view))
  const state = () => (isOver() ? 'over' : props.view.state)
  return (
    <div class="standing" classList={{ over: isOver() }}>
      <section class="panel state" aria-label={t('follow.stateWord')}>
        <p class={`state-word state-${state()}`} role="status">
          {isOver() ? t('follow.stageLead.done') : t(`follow.state.${props.view.state}`)}
        </p>
        <Show when={!isOver()}>
          <p>{t(`follow.stageLead.${props.view.stage}`)}</p>
          <Worker view={props.view} />
        </Show>
        <Show when={props.view.stage === 'copy' && props.view.copy}>
          <p>
            <PageLink to="/#run">{t('follow.copy.details')}</PageLink>
          </p>
        </Show>
      </section>
      <Show when={!isOver()}>
        <CutoverReadiness view={props.view} />
      </Show>
    </div>
  )
}

function Worker(props: { view: FollowView }) {
  return (
    <Show
      when={hasProcess(props.view) && props.view.process}
      fallback={
        <Notice tone="warn">
          {t('follow.noProcess', { at: dateText(new Date(props.view.updated_at).toISOString()) })}
        </Notice>
      }
    >
      {(worker) => (
        <>
          <p class="quiet">{t('follow.process', worker())}</p>
          <Show when={follows.silence(props.view)}>
            {(seconds) => (
              <Notice tone="warn" role="alert">
                {t('follow.silent', { seconds: seconds() })}
              </Notice>
            )}
          </Show>
        </>
      )}
    </Show>
  )
}

function areSame(one: readonly FollowLogLine[], other: readonly FollowLogLine[]): boolean {
  const [last, newest] = [one.at(-1), other.at(-1)]
  return one.length === other.length && last?.at === newest?.at && last?.message === newest?.message
}
