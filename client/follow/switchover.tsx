// Switching over, or back: with what will happen in words, and only once the database's name was typed.
import { createSignal, Index, Show } from 'solid-js'
import { createStore } from 'solid-js/store'
import { lateLines } from '../../shared/follow-health.ts'
import {
  defaultSwitchoverOptions,
  type FollowView,
  longestWatchSeconds,
  type SwitchoverOptions,
} from '../../shared/follow-view.ts'
import { api } from '../api/calls.ts'
import { language, t } from '../i18n/index.ts'
import { reasonIn } from '../i18n/reasons.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Check, Field } from '../parts/field.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { databaseOf, waysOf } from '../state/follows.ts'
import { createAsking } from './act.ts'

interface DialogProps {
  view: FollowView
  /** Returns to the source. */
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
  const [typed, setTyped] = createSignal('')
  const { busy, problem, ask } = createAsking()
  const ways = () => waysOf(props.view, props.back ? 'back' : 'forward')
  const wanted = () => databaseOf(ways().to)
  async function go(event: SubmitEvent) {
    event.preventDefault()
    if (typed() !== wanted()) return
    const taken = await ask(() => api.switchover(props.view.name, { ...options }))
    if (taken) props.onClose()
  }
  return (
    <form class="dialog-form" onSubmit={(event) => void go(event)}>
      <p class="ways">
        {ways().from} <span aria-hidden="true">→</span> {ways().to}
      </p>
      <Show when={!props.view.ready.green}>
        <Notice tone="warn" title={t('follow.switchover.notReady')}>
          <ul class="reasons">
            <Index each={props.view.ready.reasons}>
              {(reason) => <li>{reasonIn(language(), reason())}</li>}
            </Index>
          </ul>
        </Notice>
      </Show>
      <Options
        options={options}
        back={props.back}
        isLate={lateLines(props.view).length > 0}
        onChange={setOptions}
      />
      <h3>{t('follow.switchover.will')}</h3>
      <ol class="will">
        <Index each={stepsOf(options, ways())}>{(step) => <li>{step()}</li>}</Index>
      </ol>
      <Field label={t('follow.switchover.typeName', { name: wanted() })}>
        {(ids) => (
          <input
            {...ids}
            class="mono"
            type="text"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={typed()}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        )}
      </Field>
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <div class="actions end">
        <button type="button" onClick={() => props.onClose()}>
          {t('follow.actions.no')}
        </button>
        <button type="submit" class="primary" disabled={typed() !== wanted() || busy()}>
          {t(props.back ? 'follow.switchover.yesBack' : 'follow.switchover.yes')}
        </button>
      </div>
    </form>
  )
}

function Options(props: {
  options: SwitchoverOptions
  back: boolean
  isLate: boolean
  onChange: (changed: Partial<SwitchoverOptions>) => void
}) {
  return (
    <div class="switchover-options">
      <Check
        label={t('follow.switchover.options.readOnly')}
        help={t('follow.switchover.options.readOnlyHelp')}
        checked={props.options.read_only_source}
        onChange={(checked) => props.onChange({ read_only_source: checked })}
      />
      <Show when={!props.back}>
        <Check
          label={t('follow.switchover.options.keepReverse')}
          help={t('follow.switchover.options.keepReverseHelp')}
          checked={props.options.keep_reverse}
          onChange={(checked) => props.onChange({ keep_reverse: checked })}
        />
      </Show>
      <Check
        label={t('follow.switchover.options.verify')}
        help={t('follow.switchover.options.verifyHelp')}
        checked={props.options.verify}
        onChange={(checked) => props.onChange({ verify: checked })}
      />
      <Check
        label={t('follow.switchover.options.accept')}
        help={t('follow.switchover.options.acceptHelp')}
        checked={props.options.accept_differences}
        onChange={(checked) => props.onChange({ accept_differences: checked })}
      />
      <Check
        label={t('follow.switchover.options.views')}
        help={t('follow.switchover.options.viewsHelp')}
        checked={props.options.refresh_materialized_views}
        onChange={(checked) => props.onChange({ refresh_materialized_views: checked })}
      />
      <Show when={props.isLate}>
        <Check
          label={t('follow.switchover.options.discard')}
          help={t('follow.switchover.options.discardHelp')}
          checked={props.options.discard_late_writes}
          onChange={(checked) => props.onChange({ discard_late_writes: checked })}
        />
      </Show>
      <NumberField
        label={t('follow.switchover.options.timeout')}
        help={t('follow.switchover.options.timeoutHelp')}
        value={props.options.timeout_seconds}
        minimum={1}
        maximum={86_400}
        onChange={(value) => props.onChange({ timeout_seconds: value })}
      />
      <NumberField
        label={t('follow.switchover.options.watch')}
        help={t('follow.switchover.options.watchHelp')}
        value={props.options.watch_seconds}
        minimum={0}
        maximum={longestWatchSeconds}
        onChange={(value) => props.onChange({ watch_seconds: value })}
      />
      <NumberField
        label={t('follow.switchover.options.margin')}
        help={t('follow.switchover.options.marginHelp')}
        value={props.options.sequence_margin}
        minimum={0}
        onChange={(value) => props.onChange({ sequence_margin: value })}
      />
    </div>
  )
}

/** In the order in which it is done. */
function stepsOf(options: SwitchoverOptions, ways: { from: string; to: string }): string[] {
  const { timeout_seconds, read_only_source, keep_reverse, verify, sequence_margin } = options
  return [
    t(`follow.switchover.steps.${read_only_source ? 'readOnly' : 'writersStop'}`, ways),
    t('follow.switchover.steps.sentinel', { ...ways, seconds: timeout_seconds }),
    sequence_margin > 0
      ? t('follow.switchover.steps.sequencesMargin', { margin: sequence_margin })
      : t('follow.switchover.steps.sequences'),
    t(`follow.switchover.steps.${verify ? 'compareSums' : 'compareCounts'}`),
    ...(keep_reverse ? [t('follow.switchover.steps.reverse', ways)] : []),
    ...(options.refresh_materialized_views ? [t('follow.switchover.steps.views', ways)] : []),
    t('follow.switchover.steps.report', ways),
  ]
}
