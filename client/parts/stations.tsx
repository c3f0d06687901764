// The four steps as stations of a line, each with its state.
import { For } from 'solid-js'
import { formatPercent } from '../../shared/format.ts'
import { t } from '../i18n/index.ts'
import { job } from '../state/job.ts'
import { type StepName, stepNames } from '../state/route.ts'
import { testOf } from '../state/tests.ts'
import { PageLink } from './page-link.tsx'

export function Stations(props: { current: StepName }) {
  const isBehind = (name: StepName) => stepNames.indexOf(name) < stepNames.indexOf(props.current)
  function note(name: StepName): string {
    if (name === 'connections' && testOf('source').answer && testOf('destination').answer) return '✓'
    if (name === 'run' && job.isRunning()) return formatPercent(job.overview()?.overall_percent ?? 0)
    return ''
  }
  return (
    <nav class="stations" aria-label={t('app.steps')}>
      <ol>
        <For each={stepNames}>
          {(name, index) => (
            <li class="station" classList={{ behind: isBehind(name), here: name === props.current }}>
              <PageLink to={`/#${name}`} current={name === props.current ? 'step' : false}>
                <span class="station-mark" aria-hidden="true">
                  {index() + 1}
                </span>
                <span class="station-name">
                  {t(`steps.${name}`)} <span class="station-note">{note(name)}</span>
                </span>
              </PageLink>
            </li>
          )}
        </For>
      </ol>
    </nav>
  )
}
