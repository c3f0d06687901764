// The options of a switchover, for one database and for a fleet.
import { For, Show } from 'solid-js'
import { longestWatchSeconds, type SwitchoverOptions } from '../../shared/switchover.ts'
import { t } from '../i18n/index.ts'
import { Check } from '../parts/field.tsx'
import { NumberField } from '../parts/number-field.tsx'

const checks = {
  read_only_source: 'readOnly',
  keep_reverse: 'keepReverse',
  verify: 'verify',
  accept_differences: 'accept',
  refresh_materialized_views: 'views',
  discard_late_writes: 'discard',
} as const
type CheckName = keyof typeof checks
const checkNames = Object.keys(checks) as CheckName[]

const numbers = {
  timeout_seconds: { word: 'timeout', minimum: 1, maximum: 86_400 },
  watch_seconds: { word: 'watch', minimum: 0, maximum: longestWatchSeconds },
  sequence_margin: { word: 'margin', minimum: 0, maximum: undefined },
} as const
type NumberName = keyof typeof numbers
const numberNames = Object.keys(numbers) as NumberName[]

type Offered = CheckName | NumberName

export function SwitchoverOptionFields<Options extends Partial<Pick<SwitchoverOptions, Offered>>>(props: {
  /** The options that are present are offered, in the order of this file. */
  options: Options
  /** Except these. */
  without?: readonly Offered[]
  onChange: (changed: Partial<Pick<SwitchoverOptions, Offered>>) => void
}) {
  const isOffered = (name: Offered) =>
    props.options[name] !== undefined && props.without?.includes(name) !== true
  return (
    <div class="switchover-options">
      <For each={checkNames}>
        {(name) => (
          <Show when={isOffered(name)}>
            <Check
              label={t(`follow.switchover.options.${checks[name]}`)}
              help={t(`follow.switchover.options.${checks[name]}Help`)}
              checked={props.options[name] === true}
              onChange={(checked) => props.onChange({ [name]: checked })}
            />
          </Show>
        )}
      </For>
      <For each={numberNames}>
        {(name) => (
          <Show when={isOffered(name)}>
            <NumberField
              label={t(`follow.switchover.options.${numbers[name].word}`)}
              help={t(`follow.switchover.options.${numbers[name].word}Help`)}
              value={props.options[name] ?? 0}
              minimum={numbers[name].minimum}
              maximum={numbers[name].maximum}
              onChange={(value) => props.onChange({ [name]: value })}
            />
          </Show>
        )}
      </For>
    </div>
  )
}
