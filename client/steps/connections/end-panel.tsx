// One connection: its URL and its fields, each following the other.
import { createSignal, createUniqueId, For, Show } from 'solid-js'
import { sslModes } from '../../../shared/ssl-modes.ts'
import { t } from '../../i18n/index.ts'
import { Field } from '../../parts/field.tsx'
import { TextField } from '../../parts/text-field.tsx'
import {
  type FieldName,
  formatUrl,
  isEmptyEnd,
  isPort,
  lacksPassword,
  parseUrl,
} from '../../state/connection-url.ts'
import { draft, setDraft, setEnd } from '../../state/draft.ts'
import type { Side } from '../../state/draft-shape.ts'
import { usesOwnersPassword } from '../../state/named.ts'
import { testConnection } from '../../state/tests.ts'
import { SavedMenu } from './saved-menu.tsx'
import { Tested } from './tested.tsx'

const placeholders: Partial<Record<FieldName, string>> = { host: 'localhost', port: '5432' }

export function EndPanel(props: { side: Side }) {
  const heading = createUniqueId()
  const end = () => draft[props.side]
  return (
    <form
      class="panel end-panel"
      aria-labelledby={heading}
      onSubmit={(event) => {
        event.preventDefault()
        void testConnection(props.side)
      }}
    >
      <div class="panel-head">
        <h2 id={heading}>{t(`connections.${props.side}`)}</h2>
        <SavedMenu side={props.side} />
      </div>
      <UrlField side={props.side} />
      <div class="field-grid">
        <ConnectionField side={props.side} name="host" class="wide" />
        <ConnectionField side={props.side} name="port" />
        <ConnectionField side={props.side} name="database" class="full" />
        <ConnectionField side={props.side} name="user" class="half" />
        <PasswordField side={props.side} />
      </div>
      <details class="more">
        <summary>{t('connections.more')}</summary>
        <div class="field-grid">
          <Field label={t('connections.sslMode')} help={t('connections.sslModeHelp')} class="full">
            {(ids) => (
              <select
                {...ids}
                value={end().fields.sslMode}
                onChange={(event) => setDraft(props.side, 'fields', 'sslMode', event.currentTarget.value)}
              >
                <option value="">{t('connections.sslModeUsual')}</option>
                <For each={sslModes}>{(mode) => <option value={mode}>{mode}</option>}</For>
              </select>
            )}
          </Field>
          <ConnectionField side={props.side} name="sslRootCert" class="full" />
          <ConnectionField side={props.side} name="sslCert" class="half" />
          <ConnectionField side={props.side} name="sslKey" class="half" />
          <ConnectionField side={props.side} name="connectTimeout" class="half" />
          <ConnectionField side={props.side} name="options" class="half" />
        </div>
      </details>
      <Tested side={props.side} />
    </form>
  )
}

/** Shows the text as typed until the input loses the focus, then the URL of the fields. */
function UrlField(props: { side: Side }) {
  const [typed, setTyped] = createSignal<string>()
  const end = () => draft[props.side]
  const shown = () => typed() ?? (isEmptyEnd(end()) ? '' : formatUrl(end(), { masked: true }))
  const wrong = () => {
    const text = typed()
    if (!text?.trim()) return undefined
    const problem = parseUrl(text)
    if (typeof problem !== 'string') return undefined
    const words = {
      scheme: 'urlScheme',
      at: 'urlAt',
      percent: 'urlPercent',
      authority: 'urlAuthority',
    } as const
    return t(`connections.${words[problem]}`)
  }
  function take(text: string) {
    setTyped(text)
    const parsed = parseUrl(text.trim() === '' ? 'postgres://' : text, end().fields.password)
    if (typeof parsed !== 'string') setEnd(props.side, parsed)
  }
  const extra = () =>
    end().extra.length > 0
      ? t('connections.extra', {
          names: end()
            .extra.map(([name]) => name)
            .join(', '),
        })
      : undefined
  return (
    <TextField
      label={t('connections.url')}
      wrong={wrong()}
      help={extra()}
      mono
      placeholder={t('connections.urlHint')}
      value={shown()}
      onInput={take}
      onBlur={() => !wrong() && setTyped(undefined)}
    />
  )
}

function ConnectionField(props: {
  side: Side
  name: Exclude<FieldName, 'sslMode' | 'applicationName'>
  class?: string
}) {
  const wrong = () => {
    const text = draft[props.side].fields[props.name]
    return props.name === 'port' && !isPort(text) ? t('connections.portWrong') : undefined
  }
  const isNumber = () => props.name === 'port' || props.name === 'connectTimeout'
  return (
    <TextField
      label={t(`connections.${props.name}`)}
      wrong={wrong()}
      class={props.class ?? ''}
      numeric={isNumber()}
      placeholder={placeholders[props.name]}
      value={draft[props.side].fields[props.name]}
      onInput={(text) => setDraft(props.side, 'fields', props.name, text.trim())}
    />
  )
}

function PasswordField(props: { side: Side }) {
  const [visible, setVisible] = createSignal(false)
  const note = () => {
    if (usesOwnersPassword(props.side)) return t('connections.passwordOwn')
    return lacksPassword(draft[props.side]) ? t('connections.passwordLost') : undefined
  }
  return (
    <Field label={t('connections.password')} class="half" help={note()}>
      {(ids) => (
        <div class="joined">
          <input
            {...ids}
            type={visible() ? 'text' : 'password'}
            autocomplete="off"
            spellcheck={false}
            value={draft[props.side].fields.password}
            onInput={(event) => setDraft(props.side, 'fields', 'password', event.currentTarget.value)}
          />
          <button
            type="button"
            class="icon"
            aria-pressed={visible()}
            aria-label={t(visible() ? 'connections.hidePassword' : 'connections.showPassword')}
            onClick={() => setVisible(!visible())}
          >
            <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
              <path
                d="M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5Z"
                fill="none"
                stroke="currentColor"
                stroke-width="1.5"
              />
              <circle cx="10" cy="10" r="2.4" fill="currentColor" />
              <Show when={visible()}>
                <path d="M3 17 17 3" stroke="currentColor" stroke-width="1.5" />
              </Show>
            </svg>
          </button>
        </div>
      )}
    </Field>
  )
}
