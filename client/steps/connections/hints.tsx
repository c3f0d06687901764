// What helps with the provider of this host.
import { For, Show } from 'solid-js'
import { type Hint, hintsFor, type Place } from '../../../shared/providers.ts'
import { t } from '../../i18n/index.ts'
import { draft, setDraft } from '../../state/draft.ts'
import type { Side } from '../../state/draft-shape.ts'

export function Hints(props: { side: Side }) {
  const place = (): Place => {
    const { host, port, user, database } = draft[props.side].fields
    return { host, port, user, database }
  }
  const hints = () => {
    const { sslMode } = draft[props.side].fields
    return hintsFor(place(), { side: props.side, following: draft.following, sslMode })
  }
  return (
    <Show when={hints().length > 0}>
      <ul class="hints">
        <For each={hints()}>
          {(hint) => (
            <li classList={{ strong: isAddress(hint) }}>
              {t(`connections.hints.${hint.key}`, { provider: hint.provider, port: place().port })}
              <Show when={hint.direct}>
                {(direct) => (
                  <button
                    type="button"
                    class="small"
                    onClick={() => setDraft(props.side, 'fields', { ...direct() })}
                  >
                    {t('connections.hints.useDirect', { place: describe(direct()) })}
                  </button>
                )}
              </Show>
            </li>
          )}
        </For>
      </ul>
    </Show>
  )

  function describe(direct: Partial<Place>): string {
    const { host, port, user } = { ...place(), ...direct }
    return `${direct.user ? `${user}@` : ''}${host}${direct.port ? `:${port}` : ''}`
  }
}

function isAddress({ key }: Hint): boolean {
  return ['pooler', 'poolerOther', 'proxy', 'session', 'reader'].includes(key)
}
