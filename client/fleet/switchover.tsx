// The dialog of a switchover of a database, a mapping or all: what is not ready yet, and a confirmation by name.
import { For, Show } from 'solid-js'
import { createStore } from 'solid-js/store'
import { defaultSwitchoverOptions } from '../../shared/defaults.ts'
import { api } from '../api/calls.ts'
import { createRequest } from '../follow/request.ts'
import { SwitchoverOptionFields } from '../follow/switchover-options.tsx'
import { inLanguage, rowsText, t } from '../i18n/index.ts'
import { ConfirmByName } from '../parts/confirm-by-name.tsx'
import { Cut } from '../parts/cut.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
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
  const { watch_seconds: _, sequence_margin: __, back: ___, ...defaults } = defaultSwitchoverOptions
  const [options, setOptions] = createStore(defaults)
  const { busy, problem, send } = createRequest()
  const all = () => (props.back ? returnable : switchable)(props.place)
  async function go() {
    const answer = await send(() =>
      api.fleetAct({ type: 'switchover', ...props.place, ...options, ...(props.back && { back: true }) }),
    )
    if (!answer) return
    props.onTaken(placeName(props.place))
    props.onClose()
  }
  return (
    <ConfirmByName
      name={wordFor(props.place)}
      label={t('fleet.switchover.typeName', { name: wordFor(props.place) })}
      yes={t(props.back ? 'fleet.back.yes' : 'fleet.switchover.yes')}
      no={t('fleet.actions.no')}
      busy={busy()}
      problem={problem()}
      onYes={() => void go()}
      onClose={props.onClose}
    >
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
      <SwitchoverOptionFields
        options={options}
        without={props.back ? [] : ['discard_late_writes']}
        onChange={setOptions}
      />
      <Show when={!options.read_only_source}>
        <Notice tone="warn">
          {t('follow.switchover.steps.writersStop', {
            from: t(props.back ? 'connections.destination' : 'connections.source'),
          })}
        </Notice>
      </Show>
    </ConfirmByName>
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
              <For each={one.ready?.reasons}>{(reason) => <> – {inLanguage(reason)}</>}</For>
            </li>
          )}
        />
      </Notice>
    </Show>
  )
}
