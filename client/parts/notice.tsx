// Notices, and errors of API calls.
import { type JSX, Show } from 'solid-js'
import type { CallFailed } from '../api/calls.ts'
import { japaneseErrors } from '../i18n/errors.ts'
import { language, t } from '../i18n/index.ts'
import { ErrorText } from './error-text.tsx'

export type Tone = 'good' | 'info' | 'warn' | 'bad'

export function Notice(props: {
  tone: Tone
  title?: JSX.Element
  children?: JSX.Element
  role?: 'alert' | 'status' | 'group'
}) {
  return (
    <div class={`notice ${props.tone}`} role={props.role}>
      <span class="notice-sign" aria-hidden="true">
        {{ good: '✓', info: 'i', warn: '!', bad: '×' }[props.tone]}
      </span>
      <div class="notice-text">
        <Show when={props.title}>
          <strong>{props.title}</strong>
        </Show>
        {props.children}
      </div>
    </div>
  )
}

export function Problem(props: { of: CallFailed; title?: string; onRetry?: () => void }) {
  const message = () => {
    const { error, message } = props.of.info
    if (error === 'unreachable') return t('app.unreachable')
    if (error === 'unexpected') return t('app.unexpected', { status: props.of.status })
    return error === 'unauthorized' ? t('app.login') : message
  }
  /** The message is in English then, except for the three that the page words itself. */
  const kind = () => {
    const { error } = props.of.info
    const isOwn = error === 'unreachable' || error === 'unexpected' || error === 'unauthorized'
    return language() === 'ja' && !isOwn ? japaneseErrors[error] : undefined
  }
  return (
    <Notice tone="bad" role="alert" title={props.title}>
      <Show when={kind()}>{(words) => <p>{words()}</p>}</Show>
      <ErrorText error={{ ...props.of.info, message: message() }} />
      <Show when={props.of.info.path}>{(path) => <p class="quiet mono">{path()}</p>}</Show>
      <Show when={props.of.info.error === 'unauthorized'}>
        <a href="/login">{t('app.loginGo')}</a>
      </Show>
      <Show when={props.onRetry}>
        {(retry) => (
          <button type="button" onClick={() => retry()()}>
            {t('app.retry')}
          </button>
        )}
      </Show>
    </Notice>
  )
}
