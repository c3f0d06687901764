// The dialog that marks a mapping or a database as complete and drops what following created.
import { createSignal, Show } from 'solid-js'
import { api } from '../api/calls.ts'
import { createRequest } from '../follow/request.ts'
import { rowsText, t } from '../i18n/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Check } from '../parts/field.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { type Place, placeName, switchable } from './place.ts'

interface Ways {
  onClose: () => void
  onTaken: (place: string) => void
}

export function CompleteDialog(props: Ways & { place: Place | undefined }) {
  return (
    <Dialog
      open={props.place !== undefined}
      title={t('fleet.complete.title', { place: placeName(props.place ?? {}) })}
      onClose={props.onClose}
    >
      <Show when={props.place}>{(place) => <Form {...props} place={place()} />}</Show>
    </Dialog>
  )
}

function Form(props: Ways & { place: Place }) {
  const [sure, setSure] = createSignal(false)
  const [discard, setDiscard] = createSignal(false)
  const { busy, problem, send } = createRequest()
  const open = () => switchable(props.place).length
  async function complete(event: SubmitEvent) {
    event.preventDefault()
    const { mapping, database } = props.place
    if (!sure() || mapping === undefined) return
    const place = { mapping, ...(database !== undefined && { database }) }
    const choice = discard() ? { discard_late_writes: true } : {}
    const answer = await send(() => api.fleetAct({ type: 'complete', ...place, ...choice }))
    if (!answer) return
    props.onTaken(placeName(place))
    props.onClose()
  }
  return (
    <form class="dialog-form" onSubmit={(event) => void complete(event)}>
      <p>{t('fleet.complete.lead')}</p>
      <Show when={open() > 0}>
        <Notice tone="bad">{t('fleet.complete.notDone', { count: rowsText(open()) })}</Notice>
      </Show>
      <Check
        label={t('follow.cleanup.discard')}
        help={t('follow.cleanup.discardHelp')}
        checked={discard()}
        onChange={setDiscard}
      />
      <Check label={t('fleet.complete.sure')} checked={sure()} onChange={setSure} />
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <div class="actions end">
        <button type="button" onClick={() => props.onClose()}>
          {t('fleet.actions.no')}
        </button>
        <button type="submit" class="danger" disabled={!sure() || busy()}>
          {t('fleet.complete.yes')}
        </button>
      </div>
    </form>
  )
}
