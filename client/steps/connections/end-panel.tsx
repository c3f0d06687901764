// One connection: what was pasted, and the fields that it fills.
import { createSignal, createUniqueId, For, Show } from 'solid-js'
import { providerOf } from '../../../shared/providers.ts'
import { sslModes } from '../../../shared/ssl-modes.ts'
import { t } from '../../i18n/index.ts'
import { Disclosure } from '../../parts/disclosure.tsx'
import { Field } from '../../parts/field.tsx'
import { TextField } from '../../parts/text-field.tsx'
import { type FieldName, isEmptyEnd, isPort, lacksPassword } from '../../state/connection-url.ts'
import { draft, setDraft } from '../../state/draft.ts'
import type { Side } from '../../state/draft-shape.ts'
import { usesOwnersPassword } from '../../state/named.ts'
import { testConnection } from '../../state/tests.ts'
import { Hints } from './hints.tsx'
import { PasteField } from './paste-field.tsx'
import { SavedMenu } from './saved-menu.tsx'
import { Tested } from './tested.tsx'

const placeholders: Partial<Record<FieldName, string>> = { host: 'localhost', port: '5432' }

export function EndPanel(props: { side: Side }) {
  const heading = createUniqueId()
  const [reading, setReading] = createSignal(false)
  const end = () => draft[props.side]
  return (
    <form
      class="panel end-panel"
      aria-labelledby={heading}
      onSubmit={(event) => {
        event.preventDefault()
        if (reading() || isEmptyEnd(end())) return
        void testConnection(props.side)
      }}
    >
      <div class="panel-head">
        <h2 id={heading}>{t(`connections.${props.side}`)}</h2>
        <Show when={providerOf(end().fields)}>
          {(provider) => <span class="tag">{provider().name}</span>}
        </Show>
        <SavedMenu side={props.side} />
      </div>
      <PasteField side={props.side} onReading={setReading} />
      <div class="field-grid">
        <ConnectionField side={props.side} name="host" class="wide" />
        <ConnectionField side={props.side} name="port" />
        <ConnectionField side={props.side} name="database" class="third" />
        <ConnectionField side={props.side} name="user" class="third" />
        <PasswordField side={props.side} />
      </div>
      <Hints side={props.side} />
      <Disclosure
        class="more"
        summary={
          end().fields.sslMode === ''
            ? t('connections.more')
            : t('connections.moreWith', { mode: end().fields.sslMode })
        }
      >
        <div class="field-grid">
          <Field label={t('connections.sslMode')} help={t('connections.sslModeHelp')} class="full">
            {(ids) => (
              <select
                {...ids}
                value={end().fields.sslMode}
                onChange={(event) => setDraft(props.side, 'fields', 'sslMode', event.currentTarget.value)}
              >
                <option value="">{t('connections.sslModeUsual')}</option>
                <For each={sslModes}>
                  {(mode) => (
                    <option value={mode} selected={mode === end().fields.sslMode}>
                      {mode}
                    </option>
                  )}
                </For>
              </select>
            )}
          </Field>
          <ConnectionField side={props.side} name="sslRootCert" class="full" />
          <ConnectionField side={props.side} name="sslCert" class="half" />
          <ConnectionField side={props.side} name="sslKey" class="half" />
          <ConnectionField side={props.side} name="connectTimeout" class="half" />
          <ConnectionField side={props.side} name="applicationName" class="half" />
          <ConnectionField side={props.side} name="options" class="full" />
        </div>
      </Disclosure>
      <Tested side={props.side} reading={reading()} />
    </form>
  )
}

function ConnectionField(props: { side: Side; name: Exclude<FieldName, 'sslMode'>; class?: string }) {
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
    <Field label={t('connections.password')} class="third" help={note()}>
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
