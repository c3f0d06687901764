// The actions of a target. The target is kept when a button is pressed, since the lines of the board can move.
import { Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import type { Possible } from './place.ts'
import { type Place, placeName } from './place.ts'

export type Asked = 'switchover' | 'back' | 'pause' | 'resume' | 'retry' | 'complete' | 'instructions'
export type OnAsk = (what: Asked, place: Place) => void

export function Actions(props: {
  place: Place
  can: Possible
  instructions?: boolean
  small?: boolean
  onAsk: OnAsk
}) {
  const isAll = () => props.place.mapping === undefined
  const size = () => (props.small ? 'small' : '')
  const ask = (what: Asked) => () => props.onAsk(what, { ...props.place })
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is filled in
    <div
      class="actions"
      role="group"
      aria-label={t('fleet.actions.title', { place: placeName(props.place) })}
    >
      <Show when={props.can.switchover}>
        <button type="button" class={isAll() ? 'primary' : size()} onClick={ask('switchover')}>
          {t(isAll() ? 'fleet.actions.switchoverAll' : 'fleet.actions.switchover')}
        </button>
      </Show>
      <Show when={props.can.back}>
        <button type="button" class={size()} onClick={ask('back')}>
          {t('fleet.actions.back')}
        </button>
      </Show>
      <Show when={props.instructions}>
        <button type="button" class={size()} onClick={ask('instructions')}>
          {t('fleet.actions.instructions')}
        </button>
      </Show>
      <Show when={props.can.pause}>
        <button type="button" class={size()} onClick={ask('pause')}>
          {t(isAll() ? 'fleet.actions.pauseAll' : 'fleet.actions.pause')}
        </button>
      </Show>
      <Show when={props.can.resume}>
        <button type="button" class={size()} onClick={ask('resume')}>
          {t(isAll() ? 'fleet.actions.resumeAll' : 'fleet.actions.resume')}
        </button>
      </Show>
      <Show when={props.can.retry}>
        <button type="button" class={size()} onClick={ask('retry')}>
          {t(isAll() ? 'fleet.actions.retryAll' : 'fleet.actions.retry')}
        </button>
      </Show>
      <Show when={!isAll() && props.can.complete}>
        <button type="button" class={`danger ${size()}`} onClick={ask('complete')}>
          {t('fleet.actions.complete')}
        </button>
      </Show>
    </div>
  )
}
