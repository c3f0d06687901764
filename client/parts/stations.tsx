// The steps that lead to what the user wants, each with its state.
import { For } from 'solid-js'
import { formatPercent } from '../../shared/format.ts'
import { t } from '../i18n/index.ts'
import { job } from '../state/job.ts'
import { journey, type Place, pathOf } from '../state/journey.ts'
import { testOf } from '../state/tests.ts'
import { PageLink } from './page-link.tsx'

export function Stations(props: { current: Place }) {
  const isBehind = (place: Place) => journey().indexOf(place) < journey().indexOf(props.current)
  function note(place: Place): string {
    if (place === 'connections' && testOf('source').answer && testOf('destination').answer) return '✓'
    if (place === 'run' && job.isRunning()) return formatPercent(job.overview()?.overall_percent ?? 0)
    return ''
  }
  return (
    <nav class="stations" aria-label={t('app.steps')}>
      <ol>
        <For each={journey()}>
          {(place, index) => (
            <li class="station" classList={{ behind: isBehind(place), here: place === props.current }}>
              <PageLink to={pathOf(place)} current={place === props.current ? 'step' : false}>
                <span class="station-mark" aria-hidden="true">
                  {index() + 1}
                </span>
                <span class="station-name">
                  {t(`steps.${place}`)} <span class="station-note">{note(place)}</span>
                </span>
              </PageLink>
            </li>
          )}
        </For>
      </ol>
    </nav>
  )
}
