// The head of something that runs or has run. It stays at the top while the page scrolls: state, figures, actions, and
// the progress as its lower edge.
import { For, type JSX, Show } from 'solid-js'

export type HeadTone = 'busy' | 'good' | 'warn' | 'bad' | 'idle'

export function StatusHead(props: {
  tone: HeadTone
  /** The state in words; it is also the heading of the page. */
  state: JSX.Element
  /** One quiet line below it: what runs, between which databases. */
  about?: JSX.Element
  /** At most five: what a glance should find. */
  figures?: readonly { label: string; value: JSX.Element }[]
  actions?: JSX.Element
  /** 0 to 100; undefined when the amount of work is unknown or there is none. */
  percent?: number | undefined
  /** What the bar measures, for screen readers. */
  barLabel?: string
}) {
  return (
    <header class={`status-head ${props.tone}`}>
      <div class="status-head-line">
        <span class="status-dot" aria-hidden="true" />
        <div class="status-head-state">
          <h1>{props.state}</h1>
          <Show when={props.about}>
            <p class="quiet">{props.about}</p>
          </Show>
        </div>
        <Show when={props.figures?.length}>
          <dl class="status-head-figures numbers">
            <For each={props.figures}>
              {(figure) => (
                <div>
                  <dt>{figure.label}</dt>
                  <dd>{figure.value}</dd>
                </div>
              )}
            </For>
          </dl>
        </Show>
        <Show when={props.actions}>
          <div class="status-head-actions">{props.actions}</div>
        </Show>
      </div>
      <Show when={props.percent !== undefined}>
        <div
          class="status-head-bar"
          role="progressbar"
          aria-label={props.barLabel}
          aria-valuemin="0"
          aria-valuemax="100"
          aria-valuenow={Math.floor(props.percent ?? 0)}
        >
          <span style={{ transform: `scaleX(${Math.min(100, props.percent ?? 0) / 100})` }} />
        </div>
      </Show>
    </header>
  )
}
