// A labelled input with its help and its error, linked for screen readers.
import { createUniqueId, type JSX, Show } from 'solid-js'

export function Field(props: {
  label: JSX.Element
  help?: JSX.Element
  wrong?: string | undefined
  class?: string
  children: (ids: {
    id: string
    'aria-describedby': string | undefined
    'aria-invalid': boolean
  }) => JSX.Element
}) {
  const id = createUniqueId()
  const described = () =>
    [props.help ? `${id}-help` : '', props.wrong ? `${id}-wrong` : ''].filter(Boolean).join(' ') || undefined
  return (
    <div class={`field ${props.class ?? ''}`}>
      <label for={id}>{props.label}</label>
      {props.children({
        id,
        get 'aria-describedby'() {
          return described()
        },
        get 'aria-invalid'() {
          return Boolean(props.wrong)
        },
      })}
      <Show when={props.wrong}>
        <p class="wrong" id={`${id}-wrong`}>
          {props.wrong}
        </p>
      </Show>
      <Show when={props.help}>
        <p class="help" id={`${id}-help`}>
          {props.help}
        </p>
      </Show>
    </div>
  )
}

export function Check(props: {
  label: JSX.Element
  help?: JSX.Element
  checked: boolean
  disabled?: boolean
  class?: string
  onChange: (checked: boolean) => void
}) {
  const id = createUniqueId()
  return (
    <div class={`check ${props.class ?? ''}`}>
      <input
        type="checkbox"
        id={id}
        checked={props.checked}
        disabled={props.disabled}
        aria-describedby={props.help ? `${id}-help` : undefined}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{props.label}</label>
        <Show when={props.help}>
          <p class="help" id={`${id}-help`}>
            {props.help}
          </p>
        </Show>
      </div>
    </div>
  )
}
