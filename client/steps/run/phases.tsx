import { For, Show } from 'solid-js'
import type { PhaseProgress } from '../../../shared/progress.ts'
import { durationText, rowsText, t } from '../../i18n/index.ts'
import { Section } from '../../parts/section.tsx'
import { job } from '../../state/job.ts'
import { phaseState } from '../../state/run-outcome.ts'

export function Phases() {
  const phases = () => (job.overview()?.phases ?? []).filter(({ total, running }) => total > 0 || running > 0)
  const stateOf = (phase: PhaseProgress) => phaseState(phase, job.isRunning())
  return (
    <Section class="phases" title={t('run.phases')}>
      <ul>
        <For each={phases().map(({ phase }) => phase)}>
          {(name) => {
            const phase = () => phases().find((one) => one.phase === name)
            return (
              <Show when={phase()}>
                {(known) => (
                  <li class={stateOf(known())}>
                    <span class="phase-sign" aria-hidden="true" />
                    <span class="phase-name">
                      {t(`run.phase.${known().phase}`)}
                      <span class="for-readers"> {t(`run.status.${stateOf(known())}`)}</span>
                    </span>
                    <span class="numbers">
                      {t('run.phaseCount', { done: rowsText(known().done), total: rowsText(known().total) })}
                    </span>
                    <span class="numbers quiet phase-time">
                      {known().wall_seconds > 0 ? durationText(known().wall_seconds) : ''}
                    </span>
                  </li>
                )}
              </Show>
            )
          }}
        </For>
      </ul>
    </Section>
  )
}
