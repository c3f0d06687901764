import { For, Show } from 'solid-js'
import { type Language, language, languages, setLanguage, t } from '../i18n/index.ts'
import { fleet } from '../state/fleet.ts'
import { job } from '../state/job.ts'
import { route } from '../state/route.ts'
import { shortcuts } from '../state/shortcuts.ts'
import { setTheme, type Theme, theme, themes } from '../state/theme.ts'
import { PageLink } from './page-link.tsx'

export function TopBar() {
  const migratePath = () => (job.isRunning() ? '/#run' : '/#connections')
  const words = { auto: 'app.themeAuto', light: 'app.themeLight', dark: 'app.themeDark' } as const
  return (
    <header class="top-bar">
      <PageLink to="/" class="brand">
        <img src="/favicon.svg" alt="" width="28" height="28" />
        <span class="brand-name">pgtrek</span>
        <span class="brand-claim">{t('app.claim')}</span>
      </PageLink>
      <nav class="pages" aria-label={t('app.pages')}>
        <PageLink to="/" current={route().page === 'start'}>
          {t('app.start')}
        </PageLink>
        <PageLink to={migratePath()} current={route().page === 'migrate'}>
          {t('app.migrate')}
        </PageLink>
        <PageLink to="/#follow" current={route().page === 'follow'}>
          {t('app.follow')}
        </PageLink>
        <PageLink to="/#schedules" current={route().page === 'schedules'}>
          {t('app.schedules')}
        </PageLink>
        <Show when={fleet.facts()}>
          <PageLink to="/#fleet" current={route().page === 'fleet'}>
            {t('app.fleet')}
          </PageLink>
        </Show>
        <PageLink to="/#history" current={route().page === 'history'}>
          {t('app.history')}
        </PageLink>
        <PageLink to="/help" current={route().page === 'help'}>
          {t('app.help')}
        </PageLink>
      </nav>
      <div class="preferences">
        <button
          type="button"
          class="icon"
          title={t('shortcuts.open')}
          aria-label={t('shortcuts.open')}
          onClick={() => shortcuts.setSheetOpen(true)}
        >
          <kbd>?</kbd>
        </button>
        <select
          aria-label={t('app.language')}
          value={language()}
          onChange={(event) => void setLanguage(event.currentTarget.value as Language)}
        >
          <For each={Object.entries(languages)}>
            {([code, name]) => (
              <option value={code} lang={code} selected={code === language()}>
                {name}
              </option>
            )}
          </For>
        </select>
        <select
          aria-label={t('app.theme')}
          value={theme()}
          onChange={(event) => setTheme(event.currentTarget.value as Theme)}
        >
          <For each={themes}>
            {(name) => (
              <option value={name} selected={name === theme()}>
                {t(words[name])}
              </option>
            )}
          </For>
        </select>
      </div>
    </header>
  )
}
