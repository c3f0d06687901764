// A form that can be submitted only after a name was typed, for what cannot easily be undone.
import { createSignal, type JSX, Show } from 'solid-js'
import type { CallFailed } from '../api/calls.ts'
import { Problem } from './notice.tsx'
import { TextField } from './text-field.tsx'

export function ConfirmByName(props: {
  name: string
  label: string
  yes: string
  no: string
  busy: boolean
  problem: CallFailed | undefined
  children: JSX.Element
  onYes: () => void
  onClose: () => void
}) {
  const [typed, setTyped] = createSignal('')
  const isConfirmed = () => typed() === props.name
  function submit(event: SubmitEvent) {
    event.preventDefault()
    if (isConfirmed()) props.onYes()
  }
  return (
    <form class="dialog-form" onSubmit={submit}>
      {props.children}
      <TextField label={props.label} mono value={typed()} onInput={setTyped} />
      <Show when={props.problem}>{(error) => <Problem of={error()} />}</Show>
      <div class="actions end">
        <button type="button" onClick={() => props.onClose()}>
          {props.no}
        </button>
        <button type="submit" class="primary" disabled={!isConfirmed() || props.busy}>
          {props.yes}
        </button>
      </div>
    </form>
  )
}
