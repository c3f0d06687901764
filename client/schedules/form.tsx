// Creates a schedule: the profile, when it is due with the next five runs, and what a run may destroy.
import { createEffect, createResource, createSignal, For, on, Show } from 'solid-js'
import type { ScheduleTiming } from '../../shared/schedule-api.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { createRequest } from '../follow/request.ts'
import { t } from '../i18n/index.ts'
import { Check, Field } from '../parts/field.tsx'
import { Problem } from '../parts/notice.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { TextField } from '../parts/text-field.tsx'
import { zonedText } from './text.ts'

const choices = ['hourly', 'daily', 'weekdays', 'custom'] as const
type Choice = (typeof choices)[number]

export function ScheduleForm(props: { onSaved: (name: string) => void; onClose: () => void }) {
  const [profiles] = createResource(() => api.profiles())
  const [name, setName] = createSignal('')
  const [profile, setProfile] = createSignal('')
  const [choice, setChoice] = createSignal<Choice>('daily')
  const [time, setTime] = createSignal('03:00')
  const [cron, setCron] = createSignal('0 3 * * *')
  const [zone, setZone] = createSignal(Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC')
  const [retries, setRetries] = createSignal(0)
  const [pause, setPause] = createSignal(5)
  const [catchUp, setCatchUp] = createSignal(false)
  const [confirmed, setConfirmed] = createSignal(false)
  const { busy, problem, send } = createRequest()
  const known = () => (profiles.error ? [] : (profiles() ?? []))
  const timing = (): ScheduleTiming => ({ cron: expressionOf(choice(), time(), cron()) })
  // A confirmation belongs to the profile that it was given for.
  createEffect(on(profile, () => setConfirmed(false), { defer: true }))

  async function save(event: SubmitEvent) {
    event.preventDefault()
    const saved = await send(() =>
      api.saveSchedule(name().trim(), {
        ...{ profile: profile(), timing: timing(), zone: zone().trim(), confirmed: confirmed() },
        ...{ retries: retries(), retry_minutes: pause(), on_missed: catchUp() ? 'once' : 'skip' },
      }),
    )
    if (saved) props.onSaved(saved.name)
  }

  return (
    <form
      class="panel schedule-form"
      aria-label={t('schedules.create')}
      onSubmit={(event) => void save(event)}
    >
      <Show when={profiles.error as CallFailed | undefined}>{(error) => <Problem of={error()} />}</Show>
      <TextField label={t('schedules.name')} value={name()} onInput={setName} />
      <Field
        label={t('schedules.profile')}
        help={!profiles.loading && known().length === 0 ? t('schedules.noProfiles') : undefined}
      >
        {(ids) => (
          <select {...ids} value={profile()} onChange={(event) => setProfile(event.currentTarget.value)}>
            <option value="">{t('schedules.chooseProfile')}</option>
            <For each={known()}>{(one) => <option value={one.name}>{one.name}</option>}</For>
          </select>
        )}
      </Field>
      <Field label={t('schedules.when')}>
        {(ids) => (
          <select
            {...ids}
            value={choice()}
            onChange={(event) => setChoice(event.currentTarget.value as Choice)}
          >
            <For each={choices}>{(one) => <option value={one}>{t(`schedules.choices.${one}`)}</option>}</For>
          </select>
        )}
      </Field>
      <Show when={choice() === 'daily' || choice() === 'weekdays'}>
        <TextField label={t('schedules.time')} value={time()} onInput={setTime} mono />
      </Show>
      <Show when={choice() === 'custom'}>
        <TextField
          label={t('schedules.expression')}
          help={t('schedules.expressionHelp')}
          value={cron()}
          onInput={setCron}
          mono
        />
      </Show>
      <TextField label={t('schedules.zone')} value={zone()} onInput={setZone} />
      <NumberField
        label={t('schedules.retries')}
        value={retries()}
        minimum={0}
        maximum={10}
        onChange={setRetries}
      />
      <Show when={retries() > 0}>
        <NumberField
          label={t('schedules.retryMinutes')}
          value={pause()}
          minimum={1}
          maximum={1440}
          onChange={setPause}
        />
      </Show>
      <NextRuns timing={timing()} zone={zone().trim()} />
      <Check
        class="whole"
        label={t('schedules.catchUp')}
        help={t('schedules.catchUpHelp')}
        checked={catchUp()}
        onChange={setCatchUp}
      />
      <Show when={known().find((one) => one.name === profile())}>
        {(one) => (
          <Check
            class="whole"
            label={t('schedules.confirm', { destination: placeOf(one().request.destination) })}
            help={t('schedules.confirmHelp')}
            checked={confirmed()}
            onChange={setConfirmed}
          />
        )}
      </Show>
      <Show when={problem()}>
        {(error) => (
          <div class="whole">
            <Problem of={error()} />
          </div>
        )}
      </Show>
      <div class="actions whole">
        <button type="submit" class="primary" disabled={busy() || name().trim() === '' || profile() === ''}>
          {t('app.save')}
        </button>
        <button type="button" onClick={() => props.onClose()}>
          {t('app.cancel')}
        </button>
      </div>
    </form>
  )
}

function NextRuns(props: { timing: ScheduleTiming; zone: string }) {
  const [next] = createResource(
    () => JSON.stringify({ timing: props.timing, zone: props.zone }),
    async () => {
      const { timing, zone } = props
      return { zone, times: (await api.previewSchedule({ timing, zone })).next }
    },
  )
  return (
    <fieldset class="field whole" aria-live="polite">
      <legend>{t('schedules.next')}</legend>
      <Show
        when={next.error as CallFailed | undefined}
        fallback={
          <ol>
            <For each={next.latest?.times}>
              {(at) => <li>{zonedText(at, next.latest?.zone ?? 'UTC')}</li>}
            </For>
          </ol>
        }
      >
        {(error) => <p class="wrong">{error().info.message}</p>}
      </Show>
    </fieldset>
  )
}

function expressionOf(choice: Choice, time: string, cron: string): string {
  if (choice === 'custom') return cron
  if (choice === 'hourly') return '0 * * * *'
  const [hour = '', minute = ''] = time.trim().split(':')
  return `${Number.parseInt(minute, 10)} ${Number.parseInt(hour, 10)} * * ${choice === 'weekdays' ? '1-5' : '*'}`
}

function placeOf(connection: { url: string } | object): string {
  if ('url' in connection) return connection.url
  const { host = '', database = '' } = connection as { host?: string; database?: string }
  return `${host}/${database}`
}
