// The steps of the cutover of a mapping, as the server writes them for these instances.
import { For, Show } from 'solid-js'
import { t, translated } from '../i18n/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { fleet } from '../state/fleet.ts'
import type { Place } from './place.ts'

export function InstructionsDialog(props: { place: Place | undefined; onClose: () => void }) {
  const name = () => props.place?.mapping ?? ''
  const steps = () => fleet.mapping(name())?.head.instructions ?? []
  return (
    <Dialog
      open={props.place !== undefined}
      title={t('fleet.instructions.title', { mapping: name() })}
      onClose={props.onClose}
    >
      <Show when={steps().length > 0} fallback={<p>{t('fleet.instructions.none')}</p>}>
        <p>{t('fleet.instructions.lead')}</p>
        <ol class="will instructions">
          <For each={steps()}>{(step) => <li>{translated(step)}</li>}</For>
        </ol>
      </Show>
      <div class="actions end">
        <button type="button" onClick={() => props.onClose()}>
          {t('fleet.instructions.close')}
        </button>
      </div>
    </Dialog>
  )
}
