// The state of a move as both servers have it, for a move whose process has ended.
import { createSignal, For, Show } from 'solid-js'
import type { FollowView } from '../../shared/follow-view.ts'
import { isBrokenOff, type MoveOnServers } from '../../shared/move-state.ts'
import { api } from '../api/calls.ts'
import { t } from '../i18n/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { createEnds, EndFields } from './ends.tsx'
import { createRequest } from './request.ts'

interface DialogProps {
  view: FollowView
  open: boolean
  onClose: () => void
}

export function ServersDialog(props: DialogProps) {
  return (
    <Dialog open={props.open} title={t('follow.servers.title')} onClose={props.onClose}>
      <Form {...props} />
    </Dialog>
  )
}

function Form(props: DialogProps) {
  const ends = createEnds(props.view)
  const [found, setFound] = createSignal<MoveOnServers>()
  const { busy, problem, send } = createRequest()
  async function look(event: SubmitEvent) {
    event.preventDefault()
    setFound(undefined)
    const { name } = props.view
    setFound(await send(() => api.askServers({ ...ends.conns(), follow: { name } })))
  }
  return (
    <form class="dialog-form" onSubmit={(event) => void look(event)}>
      <p>{t('follow.servers.lead')}</p>
      <EndFields of={ends} />
      <Show when={problem()}>{(error) => <Problem of={error()} />}</Show>
      <Show when={found()}>{(move) => <Found move={move()} />}</Show>
      <div class="actions end">
        <button type="button" onClick={() => props.onClose()}>
          {t('app.close')}
        </button>
        <button type="submit" class="primary" disabled={busy()}>
          {t('follow.servers.yes')}
        </button>
      </div>
    </form>
  )
}

function Found(props: { move: MoveOnServers }) {
  const tone = () => (isBrokenOff(props.move) || props.move.state === 'read_only' ? 'warn' : 'good')
  const ends = () => ({ source: props.move.source, destination: props.move.destination })
  const places = () => props.move.read_only.map((side) => props.move[side]).join(', ')
  return (
    <Notice tone={tone()} role="status" title={t(`follow.servers.states.${props.move.state}.is`, ends())}>
      <p>{t(`follow.servers.states.${props.move.state}.next`, ends())}</p>
      <Show when={places()}>
        <p>{t('follow.servers.readOnly', { places: places() })}</p>
      </Show>
      <Show when={props.move.at_work}>{(who) => <p>{t('follow.servers.atWork', { who: who() })}</p>}</Show>
      <Show when={props.move.parts.length > 0}>
        <p>{t('follow.servers.parts')}</p>
        <ul class="reasons">
          <For each={props.move.parts}>{(part) => <li>{part}</li>}</For>
        </ul>
      </Show>
    </Notice>
  )
}
