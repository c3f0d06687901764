// One option, with the input that its schema requires and its help.
import { For, Match, Switch } from 'solid-js'
import { defaultOptions, optionLimits } from '../../../shared/defaults.ts'
import type { MigrationOptions } from '../../../shared/request.ts'
import { t } from '../../i18n/index.ts'
import { Check, Field } from '../../parts/field.tsx'
import { NumberField } from '../../parts/number-field.tsx'
import { draft, setOption } from '../../state/draft.ts'

type Name = keyof MigrationOptions
type NameOf<Value> = { [Key in Name]: MigrationOptions[Key] extends Value ? Key : never }[Name]
type Mode = 'existingTableMode' | 'existingDataMode'

const modes = {
  existingTableMode: ['keep', 'drop'],
  existingDataMode: ['truncate', 'append', 'upsert'],
} as const satisfies { [Key in Mode]: readonly MigrationOptions[Key][] }

export function OptionField(props: { name: Name }) {
  const value = () => defaultOptions[props.name]
  return (
    <Switch>
      <Match when={typeof value() === 'boolean'}>
        <Flag name={props.name as NameOf<boolean>} />
      </Match>
      <Match when={typeof value() === 'number'}>
        <Amount name={props.name as NameOf<number>} />
      </Match>
      <Match when={typeof value() === 'string'}>
        <Choice name={props.name as Mode} />
      </Match>
      <Match when={Array.isArray(value())}>
        <Names name={props.name as NameOf<string[]>} />
      </Match>
    </Switch>
  )
}

function Flag(props: { name: NameOf<boolean> }) {
  return (
    <Check
      class="option"
      label={t(`options.each.${props.name}.label`)}
      help={t(`options.each.${props.name}.help`)}
      checked={draft.options[props.name]}
      onChange={(checked) => setOption(props.name, checked)}
    />
  )
}

function Choice(props: { name: Mode }) {
  return (
    <Field
      class="option"
      label={t(`options.each.${props.name}.label`)}
      help={t(`options.each.${props.name}.help`)}
    >
      {(ids) => (
        <select
          {...ids}
          value={draft.options[props.name]}
          onChange={(event) => setOption(props.name, event.currentTarget.value as MigrationOptions[Mode])}
        >
          <For each={modes[props.name]}>
            {(mode) => (
              <option value={mode} selected={draft.options[props.name] === mode}>
                {t(`options.choices.${mode}`)}
              </option>
            )}
          </For>
        </select>
      )}
    </Field>
  )
}

function Amount(props: { name: NameOf<number> }) {
  const limits = () => optionLimits[props.name]
  const isAutomatic = () =>
    draft.options[props.name] === defaultOptions[props.name] && props.name !== 'batchSize'
  return (
    <NumberField
      label={t(`options.each.${props.name}.label`)}
      help={t(`options.each.${props.name}.help`)}
      value={draft.options[props.name]}
      minimum={limits()?.minimum ?? 0}
      maximum={limits()?.maximum}
      after={
        <span class="quiet">
          {isAutomatic() && props.name !== 'maxBytesPerSecond' ? t('options.automatic') : ''}
        </span>
      }
      onChange={(value) => setOption(props.name, value)}
    />
  )
}

function Names(props: { name: NameOf<string[]> }) {
  return (
    <Field
      class="option"
      label={t(`options.each.${props.name}.label`)}
      help={t(`options.each.${props.name}.help`)}
    >
      {(ids) => (
        <input
          {...ids}
          type="text"
          value={draft.options[props.name].join(', ')}
          onChange={(event) => setOption(props.name, listOf(event.currentTarget.value))}
        />
      )}
    </Field>
  )
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
