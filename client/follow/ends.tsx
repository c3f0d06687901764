// Both connections, entered again because passwords are not stored. Filled from the first step where it has the same databases.
import { For } from 'solid-js'
import { createStore } from 'solid-js/store'
import type { Conn } from '../../shared/api.ts'
import { type Side, sides } from '../../shared/constants.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { t } from '../i18n/index.ts'
import { Field } from '../parts/field.tsx'
import { TextField } from '../parts/text-field.tsx'
import { type End, emptyEnd, formatUrl, keepsPassword, parseUrl, toConn } from '../state/connection-url.ts'
import { draft } from '../state/draft.ts'

export interface Ends {
  ends: Record<Side, End>
  setUrl(side: Side, text: string): void
  setPassword(side: Side, text: string): void
  conns(): Record<Side, Conn>
}

export function createEnds(view: FollowView): Ends {
  const [ends, setEnds] = createStore<Record<Side, End>>({
    source: endOf(view, 'source'),
    destination: endOf(view, 'destination'),
  })
  return {
    ends,
    setUrl(side, text) {
      const parsed = parseUrl(text, ends[side].fields.password)
      if (typeof parsed !== 'string') setEnds(side, { kept: undefined, ...parsed })
    },
    setPassword: (side, text) => setEnds(side, 'fields', 'password', text),
    conns: () => ({ source: toConn(ends.source), destination: toConn(ends.destination) }),
  }
}

export function EndFields(props: { of: Ends }) {
  const name = (side: Side) => t(`connections.${side}`)
  return (
    <div class="end-fields">
      <p class="quiet">{t('follow.ends.lead')}</p>
      <For each={sides}>
        {(side) => (
          <div class="end-pair">
            <TextField
              label={t('follow.ends.url', { side: name(side) })}
              mono
              value={formatUrl(props.of.ends[side], { masked: true })}
              onChange={(text) => props.of.setUrl(side, text)}
            />
            <Field label={t('follow.ends.password', { side: name(side) })}>
              {(ids) => (
                <input
                  {...ids}
                  type="password"
                  autocomplete="off"
                  placeholder={keepsPassword(props.of.ends[side]) ? '*****' : ''}
                  value={props.of.ends[side].fields.password}
                  onInput={(event) => props.of.setPassword(side, event.currentTarget.value)}
                />
              )}
            </Field>
          </div>
        )}
      </For>
    </div>
  )
}

function endOf(view: FollowView, side: Side): End {
  const typed = draft[side]
  const { host, port, database } = typed.fields
  if (host !== '' && view[side].endsWith(`@${host}:${port || '5432'}/${database}`)) {
    return {
      fields: { ...typed.fields },
      extra: typed.extra.map(([name, value]) => [name, value]),
      ...(typed.kept && { kept: { at: { ...typed.kept.at }, url: typed.kept.url } }),
    }
  }
  const parsed = parseUrl(`postgres://${view[side]}`)
  return typeof parsed === 'string' ? emptyEnd() : parsed
}
