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
  let isLoading = false

  async function ask() {
    if (isLoading) return
    isLoading = true
    setHasFailed(false)
    try {
      const found = await load()
      setComponent(() => found)
    } catch {
      setHasFailed(true)
    }
    isLoading = false
  }

  return () => {
    if (!component()) void ask()
    return (
      <Switch fallback={<p class="quiet">{t('app.loading')}</p>}>
        <Match when={component()}>{(found) => <Dynamic component={found()} />}</Match>
        <Match when={hasFailed()}>
          <Notice tone="bad" role="alert">
            <p>{t('app.partNotLoaded')}</p>
            <button type="button" onClick={() => void ask()}>
              {t('app.retry')}
            </button>
          </Notice>
        </Match>
      </Switch>
    )
  }
}
