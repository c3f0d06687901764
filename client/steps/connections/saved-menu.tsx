// Saved connections of this browser: use, save, remove.
import { Popover } from '@kobalte/core/popover'
import { createSignal, For, Show } from 'solid-js'
import { t } from '../../i18n/index.ts'
import { Check, Field } from '../../parts/field.tsx'
import { isEmptyEnd } from '../../state/connection-url.ts'
import { draft, setEnd } from '../../state/draft.ts'
import type { Side } from '../../state/draft-shape.ts'
import {
  removeConnection,
  type SavedConnection,
  saveConnection,
  savedConnections,
  savedEnd,
} from '../../state/saved-connections.ts'

export function SavedMenu(props: { side: Side }) {
  const [open, setOpen] = createSignal(false)
  function use(saved: SavedConnection) {
    const end = savedEnd(saved)
    if (end) setEnd(props.side, end)
    setOpen(false)
  }
  return (
    <Popover open={open()} onOpenChange={setOpen} placement="bottom-end">
      <Popover.Trigger class="button small">{t('connections.saved')}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content class="popover">
          <Popover.Title as="h2" class="popover-title">
            {t('connections.saved')}
          </Popover.Title>
          <Show
            when={savedConnections().length > 0}
            fallback={<p class="quiet">{t('connections.savedEmpty')}</p>}
          >
            <ul class="saved-list">
              <For each={savedConnections()}>
                {(saved) => (
                  <li>
                    <button type="button" class="plain" onClick={() => use(saved)}>
                      <b>{saved.name}</b>
                      <span class="quiet mono">{shortName(saved)}</span>
                    </button>
                    <button
                      type="button"
                      class="icon"
                      aria-label={t('connections.removeSaved', { name: saved.name })}
                      onClick={() => removeConnection(saved.name)}
                    >
                      <span aria-hidden="true">×</span>
                    </button>
                  </li>
                )}
              </For>
            </ul>
          </Show>
          <SaveForm side={props.side} />
        </Popover.Content>
      </Popover.Portal>
    </Popover>
  )
}

function SaveForm(props: { side: Side }) {
  const [name, setName] = createSignal('')
  const [withPassword, setWithPassword] = createSignal(false)
  function save(event: Event) {
    event.preventDefault()
    saveConnection(name().trim(), draft[props.side], withPassword())
    setName('')
  }
  return (
    <Show when={!isEmptyEnd(draft[props.side])}>
      <form class="save-form" onSubmit={save}>
        <Field label={t('connections.savedName')}>
          {(ids) => (
            <input
              {...ids}
              type="text"
              required
              value={name()}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Check label={t('connections.withPassword')} checked={withPassword()} onChange={setWithPassword} />
        <button type="submit" disabled={name().trim() === ''}>
          {t('connections.saveThis')}
        </button>
      </form>
    </Show>
  )
}

function shortName(saved: SavedConnection): string {
  const fields = savedEnd(saved)?.fields
  return fields ? `${fields.user}@${fields.host}/${fields.database}` : ''
}
