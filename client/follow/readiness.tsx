// Cutover readiness: whether a switchover would be quick and safe now, and the reasons if not.
import { Index, Show } from 'solid-js'
import type { FollowView } from '../../shared/follow-view.ts'
import { bytesText, dateText, inLanguage, t } from '../i18n/index.ts'
import { hasProcess } from '../state/follows.ts'

export function CutoverReadiness(props: { view: FollowView }) {
  const ready = () => props.view.ready
  const isGreen = () => hasProcess(props.view) && ready().green
  return (
    <section class="panel ready" classList={{ green: isGreen() }} aria-label={t('follow.readyWord')}>
      <p class="ready-word" role="status">
        <span class="light" aria-hidden="true" />
        {t(isGreen() ? 'follow.ready.green' : 'follow.ready.red')}
      </p>
      <Show when={isGreen() && ready().since}>
        {(since) => <p>{t('follow.ready.since', { at: dateText(new Date(since()).toISOString()) })}</p>}
      </Show>
      <Show when={ready().reasons.length > 0}>
        <ul class="reasons">
          <Index each={ready().reasons}>{(reason) => <li>{inLanguage(reason())}</li>}</Index>
        </ul>
      </Show>
      <p class="quiet">
        {t('follow.ready.marks', {
          bytes: bytesText(ready().lag_bytes),
          seconds: ready().lag_seconds,
          for: ready().for_seconds,
        })}
      </p>
    </section>
  )
}
