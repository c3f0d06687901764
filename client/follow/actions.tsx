// The actions that are possible in the present state.
import { createEffect, createSignal, on, Show } from 'solid-js'
import { isWatchOnly } from '../../shared/follow-health.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { api, type SteerAction } from '../api/calls.ts'
import { t } from '../i18n/index.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Problem } from '../parts/notice.tsx'
import { hasProcess } from '../state/follows.ts'
import { CleanupDialog } from './cleanup.tsx'
import { ContinueDialog } from './continue.tsx'
import { createRequest } from './request.ts'
import { ServersDialog } from './servers.tsx'
import { SwitchoverDialog } from './switchover.tsx'

type Asked = 'pause' | 'stop' | 'switchover' | 'continue' | 'servers' | 'cleanup'

export function FollowActions(props: { view: FollowView }) {
  const { busy, problem, send } = createRequest()
  const [taken, setTaken] = createSignal(false)
  const [asked, setAsked] = createSignal<Asked>()
  const close = () => setAsked(undefined)
  const steer = async (action: SteerAction) => {
    close()
    setTaken((await send(() => api.steer(action, props.view.name))) !== undefined)
  }
  // The view shows the effect.
  createEffect(
    on(
      () => [props.view.state, props.view.stage],
      () => setTaken(false),
    ),
  )
  const can = () => possible(props.view)
  return (
    <section class="steer" aria-label={t('follow.actions.title')}>
      <div class="actions">
        <Show when={can().switchover}>
          <button type="button" class="primary" onClick={() => setAsked('switchover')}>
            {t(can().back ? 'follow.actions.goBack' : 'follow.actions.switchover')}
          </button>
        </Show>
        <Show when={can().continue}>
          <button type="button" class="primary" onClick={() => setAsked('continue')}>
            {t('follow.actions.continue')}
          </button>
        </Show>
        <Show when={can().pause}>
          <button type="button" disabled={busy()} onClick={() => setAsked('pause')}>
            {t('follow.actions.pause')}
          </button>
        </Show>
        <Show when={can().resume}>
          <button type="button" disabled={busy()} onClick={() => void steer('resume')}>
            {t('follow.actions.resume')}
          </button>
        </Show>
        <Show when={can().stop}>
          <button type="button" class="danger" disabled={busy()} onClick={() => setAsked('stop')}>
            {t('follow.actions.stop')}
          </button>
        </Show>
        <Show when={can().cleanup}>
          <button type="button" onClick={() => setAsked('servers')}>
            {t('follow.actions.servers')}
          </button>
          <button type="button" class="danger" onClick={() => setAsked('cleanup')}>
            {t('follow.actions.cleanup')}
          </button>
        </Show>
        <span class="quiet" role="status">
          {taken() ? t('follow.actions.taken') : ''}
        </span>
      </div>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <Confirm
        open={asked() === 'pause'}
        title={t('follow.actions.pauseTitle')}
        yes={t('follow.actions.pause')}
        no={t('follow.actions.no')}
        onYes={() => void steer('pause')}
        onClose={close}
      >
        {t('follow.actions.pauseLead')}
      </Confirm>
      <Confirm
        open={asked() === 'stop'}
        title={t('follow.actions.stopTitle')}
        yes={t('follow.actions.stop')}
        no={t('follow.actions.no')}
        onYes={() => void steer('stop')}
        onClose={close}
      >
        {t(`follow.actions.${stopLead(props.view)}`)}
      </Confirm>
      <SwitchoverDialog view={props.view} back={can().back} open={asked() === 'switchover'} onClose={close} />
      <ContinueDialog view={props.view} open={asked() === 'continue'} onClose={close} />
      <ServersDialog view={props.view} open={asked() === 'servers'} onClose={close} />
      <CleanupDialog view={props.view} open={asked() === 'cleanup'} onClose={close} />
    </section>
  )
}

function possible(view: FollowView) {
  const { state, stage, switchover } = view
  const working = hasProcess(view)
  const flows = working && ['catchup', 'streaming', 'done'].includes(stage) && view.streams.length > 0
  const isBusy = switchover?.state === 'running' || view.recopy?.state === 'running'
  const back = view.direction === 'back'
  return {
    back,
    switchover: flows && !isBusy && state === 'running',
    pause: flows && !isBusy && state === 'running',
    resume: working && !isBusy && state === 'paused',
    stop: working && switchover?.state !== 'running',
    continue: !working && !isCopying(view) && (stage !== 'done' || switchover?.report?.reverse !== undefined),
    cleanup: !working,
  }
}

function stopLead(view: FollowView) {
  if (isWatchOnly(view)) return 'stopWatchLead'
  return isCopying(view) ? 'stopCopyLead' : 'stopLead'
}

function isCopying({ stage }: FollowView): boolean {
  return stage === 'preflight' || stage === 'schema' || stage === 'copy'
}
