// The foot of a step, which stays at the bottom of the window: what keeps the user from the next step, and the way there.
import { createUniqueId, type JSX, Show } from 'solid-js'
import './step-foot.css'
import { t } from '../i18n/index.ts'

export function StepFoot(props: {
  onBack?: () => void
  onNext: () => void
  /** Why the next step is not possible. */
  missing?: string | undefined
  /** What is good to know although it is possible. */
  note?: JSX.Element
}) {
  const id = createUniqueId()
  return (
    <footer class="step-foot">
      <Show when={props.onBack}>
        {(back) => (
          <button type="button" onClick={() => back()()}>
            <span aria-hidden="true">←</span> {t('app.back')}
          </button>
        )}
      </Show>
      <p id={id} class="step-foot-note" role="status">
        {props.missing ?? props.note}
      </p>
      <button
        type="button"
        class="primary"
        disabled={props.missing !== undefined}
        aria-describedby={id}
        onClick={() => props.onNext()}
      >
        {t('app.next')} <span aria-hidden="true">→</span>
      </button>
    </footer>
  )
}
