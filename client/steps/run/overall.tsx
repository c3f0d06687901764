// Overall progress: one bar, and figures in columns of fixed width.
import { createEffect, createSignal, on, Show } from 'solid-js'
import { formatPercent } from '../../../shared/format.ts'
import { bytesText, clockText, durationText, rateText, rowsText, t } from '../../i18n/index.ts'
import { Bar } from '../../parts/bar.tsx'
import { Figure } from '../../parts/fact.tsx'
import { job } from '../../state/job.ts'

const tones = {
  completed: 'good',
  completed_with_failures: 'bad',
  failed: 'bad',
  cancelled: 'warn',
  running: '',
}

export function Overall() {
  const now = () => job.overview()
  const percent = () => now()?.overall_percent ?? 0
  const phase = () => t(`run.phase.${now()?.current_phase ?? 'reading'}`)
  return (
    <section class="panel overall" aria-label={t('run.overall')}>
      <div class="overall-line">
        <span class="overall-percent numbers">{formatPercent(percent())}</span>
        <span class="overall-phase">{job.isRunning() ? phase() : ''}</span>
        <Show when={job.isRunning() && now()?.table_count === 0 && now()?.current_phase === 'reading'}>
          <span class="quiet">{t('run.planning')}</span>
        </Show>
      </div>
      <Bar
        percent={percent()}
        label={t('run.overall')}
        tone={`large ${tones[now()?.status ?? 'running']}`}
        text={`${formatPercent(percent())}, ${phase()}`}
      />
      <dl class="figures">
        <Figure name={t('run.elapsed')}>{clockText(job.elapsed())}</Figure>
        <Figure name={t('run.remaining')}>{remaining()}</Figure>
        <Figure name={t('run.rows')}>{rowsText(now()?.migrated_rows ?? 0)}</Figure>
        <Figure name={t('run.bytes')}>
          {t('run.ofBytes', {
            done: bytesText(now()?.migrated_bytes ?? 0),
            total: bytesText(now()?.total_bytes ?? 0),
          })}
        </Figure>
        <Figure name={t('run.rowsPerSecond')}>{rowsText(now()?.rows_per_second ?? 0)}</Figure>
        <Figure name={t('run.bytesPerSecond')}>{rateText(now()?.bytes_per_second ?? 0)}</Figure>
      </dl>
      <Announcer percent={percent()} phase={phase()} />
    </section>
  )
}

function remaining(): string {
  const now = job.overview()
  if (!now?.running) return '–'
  return now.remaining_seconds === undefined
    ? t('run.unknown')
    : durationText(Math.round(now.remaining_seconds))
}

/** Every tenth percent and every phase: announcing each change would never end. */
function Announcer(props: { percent: number; phase: string }) {
  const [said, setSaid] = createSignal('')
  createEffect(
    on([() => Math.floor(props.percent / 10), () => props.phase], ([tenth, phase]) =>
      setSaid(t('run.announce', { percent: `${tenth * 10}%`, phase })),
    ),
  )
  return (
    <p class="for-readers" role="status">
      {said()}
    </p>
  )
}
