// The options beside the plan: the few that decide most, and the others by subject or by search.
import { createMemo, createSignal, For, Show } from 'solid-js'
import { defaultOptions } from '../../../shared/defaults.ts'
import { t } from '../../i18n/index.ts'
import { Disclosure } from '../../parts/disclosure.tsx'
import { SearchField } from '../../parts/search-field.tsx'
import { Section } from '../../parts/section.tsx'
import { draft, resetOptions, setOption } from '../../state/draft.ts'
import { OptionField } from './option-field.tsx'
import { isDefault, type OptionName, optionGroups } from './option-groups.ts'

const [first, ...others] = optionGroups
const all = optionGroups.flatMap(({ options }) => options)

export function OptionList() {
  const [search, setSearch] = createSignal('')
  const found = createMemo(() => {
    const text = search().trim().toLowerCase()
    return text === '' ? undefined : all.filter((name) => wordsOf(name).includes(text))
  })
  return (
    <Section
      class="option-list"
      title={t('options.title')}
      aside={
        <Show when={changedIn(all) > 0}>
          <button type="button" class="small" onClick={resetOptions}>
            {t('options.reset')}
          </button>
        </Show>
      }
    >
      <SearchField label={t('plan.searchOptions')} value={search()} onSearch={setSearch} />
      <Show
        when={found()}
        fallback={
          <>
            <Lines names={first?.options ?? []} />
            <div class="option-subjects">
              <For each={others}>
                {(group) => (
                  <Disclosure
                    summary={
                      <>
                        <span>{t(`options.groups.${group.title}`)}</span>{' '}
                        <Show when={changedIn(group.options) > 0}>
                          <span class="tag changed">
                            {t('plan.changedCount', { count: changedIn(group.options) })}
                          </span>
                        </Show>
                      </>
                    }
                  >
                    <Lines names={group.options} />
                  </Disclosure>
                )}
              </For>
            </div>
          </>
        }
      >
        {(names) => (
          <Show when={names().length > 0} fallback={<p class="quiet">{t('plan.noOption')}</p>}>
            <Lines names={names()} />
          </Show>
        )}
      </Show>
    </Section>
  )
}

function Lines(props: { names: readonly OptionName[] }) {
  return (
    <div class="option-lines">
      <For each={props.names}>{(name) => <Line name={name} />}</For>
    </div>
  )
}

function Line(props: { name: OptionName }) {
  const isChanged = () => !isDefault(draft.options, props.name)
  return (
    <div class="option-line" classList={{ changed: isChanged() }}>
      <OptionField name={props.name} />
      <Show when={isChanged()}>
        <p class="option-changed">
          <span class="quiet">{t('plan.byDefault', { value: defaultText(props.name) })}</span>
          <button
            type="button"
            class="small"
            aria-label={t('plan.resetOption', { option: t(`options.each.${props.name}.label`) })}
            onClick={() => setOption(props.name, structuredClone(defaultOptions[props.name]))}
          >
            {t('plan.reset')}
          </button>
        </p>
      </Show>
    </div>
  )
}

function defaultText(name: OptionName): string {
  if (name === 'existingTableMode' || name === 'existingDataMode')
    return t(`options.choices.${defaultOptions[name]}`)
  const value = defaultOptions[name]
  if (typeof value === 'boolean') return t(value ? 'app.yes' : 'app.no')
  return Array.isArray(value) ? t('app.none') : String(value)
}

function changedIn(names: readonly OptionName[]): number {
  return names.filter((name) => !isDefault(draft.options, name)).length
}

function wordsOf(name: OptionName): string {
  return `${name} ${t(`options.each.${name}.label`)} ${t(`options.each.${name}.help`)}`.toLowerCase()
}
