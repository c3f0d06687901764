// An error in the server's words, with its code, detail and hint.
import { For, Show } from 'solid-js'
import type { ErrorInfo } from '../../shared/error-info.ts'
import { inLanguage, languageOf, t } from '../i18n/index.ts'

export function ErrorText(props: { error: Pick<ErrorInfo, 'message' | 'sqlstate' | 'detail' | 'hint'> }) {
  const message = () => inLanguage(props.error.message)
  return (
    <>
      <p class="server-words" lang={languageOf(message())}>
        {message()}
      </p>
      <Show when={props.error.sqlstate}>{(code) => <p class="quiet">SQLSTATE {code()}</p>}</Show>
      <DetailAndHint error={props.error} />
    </>
  )
}

export function DetailAndHint(props: { error: Pick<ErrorInfo, 'detail' | 'hint'> | undefined }) {
  return (
    <For each={['detail', 'hint'] as const}>
      {(part) => (
        <Show when={props.error?.[part]}>
          {(text) => (
            <p>
              <b>{t(`run.${part}`)}:</b> {inLanguage(text())}
            </p>
          )}
        </Show>
      )}
    </For>
  )
}
