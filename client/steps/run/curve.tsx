// Rows and bytes per second over the time of the run.
import { bytesText, clockText, rateText, rowsText, t } from '../../i18n/index.ts'
import { Curves } from '../../parts/curves.tsx'
import { job } from '../../state/job.ts'

export function SpeedCurve() {
  const now = () =>
    t('run.curveText', {
      rows: rowsText(job.overview()?.rows_per_second ?? 0),
      bytes: bytesText(job.overview()?.bytes_per_second ?? 0),
    })
  return (
    <Curves
      label={t('run.curve')}
      now={now()}
      seconds={job.curve().seconds}
      secondsText={clockText}
      first={{ name: t('run.rowsPerSecond'), values: job.curve().rows, text: rowsText, least: 10 }}
      second={{ name: t('run.bytesPerSecond'), values: job.curve().bytes, text: rateText, least: 1024 }}
    />
  )
}
