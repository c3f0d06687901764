// Profiles and files, behind a button. Their list is loaded when it is opened.
import { Popover } from '@kobalte/core/popover'
import { type Component, createEffect, createSignal, Show } from 'solid-js'
import { Dynamic } from 'solid-js/web'
import { t } from '../../i18n/index.ts'
import type { ProfilesProps } from './profiles.tsx'

export function ProfilesMenu(props: { dropped: File | undefined; onTaken: () => void }) {
  const [open, setOpen] = createSignal(false)
  const [content, setContent] = createSignal<Component<ProfilesProps>>()

  createEffect(() => {
    if (props.dropped) setOpen(true)
  })
  createEffect(() => {
    if (open() && !content()) void load()
  })

  async function load() {
    const { Profiles } = await import('./profiles.tsx')
    setContent(() => Profiles)
  }

  return (
    <Popover open={open()} onOpenChange={setOpen} placement="bottom-end">
      <Popover.Trigger class="button">{t('connections.profiles')}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content class="popover profiles">
          <Popover.Title as="h2" class="popover-title">
            {t('connections.profiles')}
          </Popover.Title>
          <Show when={content()} fallback={<p class="quiet">{t('app.loading')}</p>}>
            {(found) => (
              <Dynamic
                component={found()}
                file={props.dropped}
                onTaken={props.onTaken}
                onUsed={() => setOpen(false)}
              />
            )}
          </Show>
        </Popover.Content>
      </Popover.Portal>
    </Popover>
  )
}
