// The dialog of a switchover, or of a return: what will happen, step by step, and a confirmation by name.
import { Index, Show } from 'solid-js'
import { createStore } from 'solid-js/store'
import { defaultSwitchoverOptions } from '../../shared/defaults.ts'
import { lateLines } from '../../shared/follow-health.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import type { SwitchoverOptions } from '../../shared/switchover.ts'
import { api } from '../api/calls.ts'
import { inLanguage, t } from '../i18n/index.ts'
import { ConfirmByName } from '../parts/confirm-by-name.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { databaseOf, endsOf } from '../state/follows.ts'
import { createRequest } from './request.ts'
import { SwitchoverOptionFields } from './switchover-options.tsx'

interface DialogProps {
  view: FollowView
  /** A return to the source. */
  back: boolean
  open: boolean
  onClose: () => void
}

export function SwitchoverDialog(props: DialogProps) {
  return (
    <Dialog
      open={props.open}
      title={t(props.back ? 'follow.switchover.titleBack' : 'follow.switchover.title')}
      onClose={props.onClose}
    >
      <Form {...props} />
    </Dialog>
  )
}

function Form(props: DialogProps) {
  const [options, setOptions] = createStore<SwitchoverOptions>({
    ...defaultSwitchoverOptions,
    back: props.back,
  })
  const { busy, problem, send } = createRequest()
  const ends = () => endsOf(props.view, props.back ? 'back' : 'forward')
  const hasLateWrites = () => lateLines(props.view).length > 0
  async function go() {
    const taken = await send(() => api.switchover(props.view.name, { ...options }))
    if (taken) props.onClose()
  }
  return (
    <ConfirmByName
      name={databaseOf(ends().to)}
      label={t('follow.switchover.typeName', { name: databaseOf(ends().to) })}
      yes={t(props.back ? 'follow.switchover.yesBack' : 'follow.switchover.yes')}
      no={t('follow.actions.no')}
      busy={busy()}
      problem={problem()}
      onYes={() => void go()}
      onClose={props.onClose}
    >
      <p class="ways">
        {ends().from} <span aria-hidden="true">→</span> {ends().to}
      </p>
      <Show when={!props.view.ready.green}>
        <Notice tone="warn" title={t('follow.switchover.notReady')}>
          <ul class="reasons">
            <Index each={props.view.ready.reasons}>{(reason) => <li>{inLanguage(reason())}</li>}</Index>
          </ul>
        </Notice>
      </Show>
      <SwitchoverOptionFields
        options={options}
        without={[
          ...(props.back ? (['keep_reverse'] as const) : []),
          ...(hasLateWrites() ? [] : (['discard_late_writes'] as const)),
        ]}
        onChange={setOptions}
      />
      <h3>{t('follow.switchover.will')}</h3>
      <ol class="will">
        <Index each={stepsOf(options, ends())}>{(step) => <li>{step()}</li>}</Index>
      </ol>
    </ConfirmByName>
  )
}

/** In the order of execution. */
function stepsOf(options: SwitchoverOptions, ends: { from: string; to: string }): string[] {
  const { timeout_seconds, read_only_source, keep_reverse, verify, sequence_margin } = options
  return [
    t(`follow.switchover.steps.${read_only_source ? 'readOnly' : 'writersStop'}`, ends),
    t('follow.switchover.steps.sentinel', { ...ends, seconds: timeout_seconds }),
    sequence_margin > 0
      ? t('follow.switchover.steps.sequencesMargin', { margin: sequence_margin })
      : t('follow.switchover.steps.sequences'),
    t(`follow.switchover.steps.${verify ? 'compareSums' : 'compareCounts'}`),
    ...(keep_reverse ? [t('follow.switchover.steps.reverse', ends)] : []),
    ...(options.refresh_materialized_views ? [t('follow.switchover.steps.views', ends)] : []),
    t('follow.switchover.steps.report', ends),
  ]
}
