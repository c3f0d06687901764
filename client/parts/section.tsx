// A part of a page: a heading with a line below it, and what belongs to it. A card is only for what stands alone.
import { createUniqueId, type JSX, Show } from 'solid-js'

export function Section(props: {
  title: JSX.Element
  /** Beside the title: how many there are. */
  count?: JSX.Element
  /** At the end of the title's line: the actions of this part. */
  aside?: JSX.Element
  class?: string
  children: JSX.Element
}) {
  const id = createUniqueId()
  return (
    <section class={`part ${props.class ?? ''}`} aria-labelledby={id}>
      <header class="part-head">
        <h2 id={id}>
          {props.title}
          <Show when={props.count !== undefined}>
            {' '}
            <span class="part-count">{props.count}</span>
          </Show>
        </h2>
        <Show when={props.aside}>
          <div class="part-aside">{props.aside}</div>
        </Show>
      </header>
      {props.children}
    </section>
  )
}
