// The steps of a switchover while it runs, and the step at which it failed.
import { createSignal, For, onCleanup, Show } from 'solid-js'
import type { FollowView } from '../../shared/follow-view.ts'
import { type SwitchoverStep, type SwitchoverView, switchoverSteps } from '../../shared/switchover.ts'
import { inLanguage, t } from '../i18n/index.ts'
import { Notice } from '../parts/notice.tsx'

export function SwitchoverProgress(props: { view: FollowView }) {
  return (
    <Show when={props.view.switchover}>
      {(switchover) => (
        <>
          <Show when={switchover().state === 'running'}>
            <section class="panel switchover" aria-label={t('follow.switchover.progress')}>
              <h2 role="status">
                <span class="spinner" aria-hidden="true" />
                {t('follow.switchover.running')}
              </h2>
              <Remaining deadline={switchover().step === 'sentinel' ? switchover().deadline : undefined} />
              <Steps switchover={switchover()} />
            </section>
          </Show>
          <Show when={switchover().state === 'failed'}>
            <Notice tone="bad" role="alert" title={t('follow.switchover.failed')}>
              <p class="server-words">{inLanguage(switchover().error?.message ?? '')}</p>
              <p>{t('follow.switchover.failedLead')}</p>
              <Steps switchover={switchover()} />
            </Notice>
          </Show>
        </>
      )}
    </Show>
  )
}

function Steps(props: { switchover: SwitchoverView }) {
  const steps = () => switchoverSteps.filter((step) => isPart(step, props.switchover))
  const stateOf = (step: SwitchoverStep) => {
    const [mine, present] = [switchoverSteps.indexOf(step), switchoverSteps.indexOf(props.switchover.step)]
    if (mine < present) return 'done'
    if (mine > present) return 'later'
    return props.switchover.state === 'failed' ? 'failed' : 'now'
  }
  return (
    <ol class="switchover-steps">
      <For each={steps()}>
        {(step) => (
          <li class={stateOf(step)} aria-current={stateOf(step) === 'now' ? 'step' : undefined}>
            <span aria-hidden="true">{{ done: '✓', now: '▸', failed: '×', later: '·' }[stateOf(step)]}</span>
            {t(`follow.switchover.step.${step}`)}
            <span class="for-readers"> {t(`follow.switchover.stepState.${stateOf(step)}`)}</span>
          </li>
        )}
      </For>
    </ol>
  )
}

/** Only the steps that the options include. */
function isPart(step: SwitchoverStep, { options }: SwitchoverView): boolean {
  if (step === 'read_only') return options.read_only_source
  if (step === 'reverse') return options.keep_reverse
  if (step === 'materialized_views') return options.refresh_materialized_views
  return true
}

function Remaining(props: { deadline: number | undefined }) {
  const [now, setNow] = createSignal(Date.now())
  const timer = setInterval(() => setNow(Date.now()), 250)
  onCleanup(() => clearInterval(timer))
  return (
    <Show when={props.deadline}>
      {(deadline) => (
        <p class="numbers">
          {t('follow.switchover.remaining', {
            seconds: Math.max(0, Math.ceil((deadline() - now()) / 1000)),
          })}
        </p>
      )}
    </Show>
  )
}
