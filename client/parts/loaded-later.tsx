// A part of the page that is loaded when it is shown. Solid's `lazy` needs a Suspense, which would also hide the part
// whenever data inside it is read again.
import { type Component, createSignal, Match, Switch } from 'solid-js'
import { Dynamic } from 'solid-js/web'
import { t } from '../i18n/index.ts'
import { Notice } from './notice.tsx'

/** The component of `load`, which is asked for once, when the part is shown for the first time. */
export function loadedLater(load: () => Promise<Component>): Component {
  const [component, setComponent] = createSignal<Component>()
  const [hasFailed, setHasFailed] = createSignal(false)
  let isAsked = false

  function ask() {
    isAsked = true
    load().then(
      (found) => setComponent(() => found),
      // A browser keeps the failure for as long as the page is open: only a reload asks again.
      () => setHasFailed(true),
    )
  }

  return () => {
    if (!isAsked) ask()
    return (
      <Switch fallback={<p class="quiet">{t('app.loading')}</p>}>
        <Match when={component()}>{(found) => <Dynamic component={found()} />}</Match>
        <Match when={hasFailed()}>
          <Notice tone="bad" role="alert">
            <p>{t('app.partNotLoaded')}</p>
            <button type="button" onClick={() => location.reload()}>
              {t('app.reload')}
            </button>
          </Notice>
        </Match>
      </Switch>
    )
  }
}
