// The help: the page of docs/, and the options with their help texts.
import './help.css'
import { createMemo, For } from 'solid-js'
import pageJa from '../../docs/ja/page.md'
import pageEn from '../../docs/page.md'
import { defaultOptions } from '../../shared/defaults.ts'
import { language, t } from '../i18n/index.ts'
import { optionGroups } from '../steps/plan/option-groups.ts'

const pages = { en: pageEn, ja: pageJa }

export function HelpPage() {
  // Our own text, made into HTML by the build.
  const html = createMemo(() => pages[language()])
  return (
    <section class="step help">
      <article class="panel prose" innerHTML={html()} />
      <section class="panel prose" aria-labelledby="options">
        <h2 id="options">{t('help.options')}</h2>
        <For each={optionGroups}>
          {(group) => (
            <>
              <h3>{t(`options.groups.${group.title}`)}</h3>
              <dl class="option-words">
                <For each={group.options}>
                  {(name) => (
                    <div>
                      <dt>
                        {t(`options.each.${name}.label`)} <code>{name}</code>
                      </dt>
                      <dd>
                        {t(`options.each.${name}.help`)}{' '}
                        <span class="quiet">
                          {t('help.byDefault')}: <code>{JSON.stringify(defaultOptions[name])}</code>
                        </span>
                      </dd>
                    </div>
                  )}
                </For>
              </dl>
            </>
          )}
        </For>
      </section>
    </section>
  )
}
