// A part that is closed at first. Its content is in the document only while it is open.
import { createSignal, type JSX, Show } from 'solid-js'

export function Disclosure(props: {
  summary: JSX.Element
  /** Open at first. */
  open?: boolean
  class?: string
  children: JSX.Element
}) {
  const [isOpen, setIsOpen] = createSignal(props.open ?? false)
  return (
    <details
      class={`disclosure ${props.class ?? ''}`}
      open={isOpen()}
      onToggle={(event) => setIsOpen(event.currentTarget.open)}
    >
      <summary>{props.summary}</summary>
      <Show when={isOpen()}>
        <div class="disclosure-content">{props.children}</div>
      </Show>
    </details>
  )
}
