// Switching over a database, a mapping or all: with what is not ready yet, and only once its name was typed.
import { createSignal, For, Show } from 'solid-js'
import { createStore } from 'solid-js/store'
import { defaultSwitchoverOptions } from '../../shared/follow-view.ts'
import { api } from '../api/calls.ts'
import { createAsking } from '../follow/act.ts'
import { language, rowsText, t } from '../i18n/index.ts'
import { reasonIn } from '../i18n/reasons.ts'
import { Cut } from '../parts/cut.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Check, Field } from '../parts/field.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { isGreen } from '../state/fleet-rows.ts'
import { type Place, placeName, returnable, switchable, wordFor } from './place.ts'

interface Ways {
  /** To the source, where changes flow back. */
  back?: boolean
  onClose: () => void
  onTaken: (place: string) => void
}

export function SwitchoverDialog(props: Ways & { place: Place | undefined }) {
  return (
    <Dialog
      open={props.place !== undefined}
      title={t(props.back ? 'fleet.back.title' : 'fleet.switchover.title', {
        place: placeName(props.place ?? {}),
      })}
      onClose={props.onClose}
    >
      <Show when={props.place}>{(place) => <Form {...props} place={place()} />}</Show>
    </Dialog>
  )
}

function Form(props: Ways & { place: Place }) {
  const { timeout_seconds, read_only_source, keep_reverse, verify } = defaultSwitchoverOptions
  const { accept_differences, refresh_materialized_views, discard_late_writes } = defaultSwitchoverOptions
  const [options, setOptions] = createStore({
    ...{ timeout_seconds, read_only_source, keep_reverse, verify },
    ...{ accept_differences, refresh_materialized_views, discard_late_writes },
  })
  const [typed, setTyped] = createSignal('')
  const { busy, problem, ask } = createAsking()
  const wanted = wordFor(props.place)
  const all = () => (props.back ? returnable : switchable)(props.place)
  async function go(event: SubmitEvent) {
    event.preventDefault()
    if (typed() !== wanted) return
    const answer = await ask(() =>
      api.fleetAct({ type: 'switchover', ...props.place, ...options, ...(props.back && { back: true }) }),
    )
    if (!answer) return
    props.onTaken(placeName(props.place))
    props.onClose()
  }
  return (
    <form class="dialog-form" onSubmit={(event) => void go(event)}>
      <p>
        <Show when={all().length > 0} fallback={t('fleet.switchover.noneToDo')}>
          {t(props.back ? 'fleet.back.count' : 'fleet.switchover.count', {
            ready: rowsText(all().filter(isGreen).length),
            total: rowsText(all().length),
          })}
        </Show>
      </p>
      <Show when={!props.back}>
        <NotReady place={props.place} />
      </Show>
      <div class="switchover-options">
        <Check
          label={t('follow.switchover.options.readOnly')}
          help={t('follow.switchover.options.readOnlyHelp')}
          checked={options.read_only_source}
          onChange={(checked) => setOptions({ read_only_source: checked })}
        />
        <Check
          label={t('follow.switchover.options.keepReverse')}
          help={t('follow.switchover.options.keepReverseHelp')}
          checked={options.keep_reverse}
          onChange={(checked) => setOptions({ keep_reverse: checked })}
        />
        <Check
          label={t('follow.switchover.options.verify')}
          help={t('follow.switchover.options.verifyHelp')}
          checked={options.verify}
          onChange={(checked) => setOptions({ verify: checked })}
        />
        <Check
          label={t('follow.switchover.options.accept')}
          help={t('follow.switchover.options.acceptHelp')}
          checked={options.accept_differences}
          onChange={(checked) => setOptions({ accept_differences: checked })}
        />
        <Check
          label={t('follow.switchover.options.views')}
          help={t('follow.switchover.options.viewsHelp')}
          checked={options.refresh_materialized_views}
          onChange={(checked) => setOptions({ refresh_materialized_views: checked })}
        />
        <Show when={props.back}>
          <Check
            label={t('follow.switchover.options.discard')}
            help={t('follow.switchover.options.discardHelp')}
            checked={options.discard_late_writes}
            onChange={(checked) => setOptions({ discard_late_writes: checked })}
          />
        </Show>
        <NumberField
          label={t('follow.switchover.options.timeout')}
          help={t('follow.switchover.options.timeoutHelp')}
          value={options.timeout_seconds}
          minimum={1}
          maximum={86_400}
          onChange={(value) => setOptions({ timeout_seconds: value })}
        />
      </div>
      <Show when={!options.read_only_source}>
        <Notice tone="warn">
          {t('follow.switchover.steps.writersStop', {
            from: t(props.back ? 'connections.destination' : 'connections.source'),
          })}
        </Notice>
      </Show>
      <Field label={t('fleet.switchover.typeName', { name: wanted })}>
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
          {t('fleet.actions.no')}
        </button>
        <button type="submit" class="primary" disabled={typed() !== wanted || busy()}>
          {t(props.back ? 'fleet.back.yes' : 'fleet.switchover.yes')}
        </button>
      </div>
    </form>
  )
}

function NotReady(props: { place: Place }) {
  const waiting = () => switchable(props.place).filter((one) => !isGreen(one))
  return (
    <Show when={waiting().length > 0}>
      <Notice
        tone="warn"
        role="group"
        title={t('fleet.switchover.notReady', { count: rowsText(waiting().length) })}
      >
        <Cut
          list={waiting()}
          each={(one) => (
            <li>
              <b>{one.name}</b>: {t(`fleet.state.${one.state}`)}
              <For each={one.ready?.reasons}>{(reason) => <> – {reasonIn(language(), reason)}</>}</For>
            </li>
          )}
        />
      </Notice>
    </Show>
  )
}
