// Rows and bytes per second over the time of a run.
import type { Speeds } from '../../../shared/speeds.ts'
import { bytesText, clockText, rateText, rowsText, t } from '../../i18n/index.ts'
import { Curves } from '../../parts/curves.tsx'

export function SpeedCurve(props: {
  speeds: Speeds
  now: { rows_per_second: number; bytes_per_second: number } | undefined
}) {
  const now = () =>
    props.now
      ? t('run.curveText', {
          rows: rowsText(props.now.rows_per_second),
          bytes: bytesText(props.now.bytes_per_second),
        })
      : ''
  return (
    <Curves
      label={t('run.curve')}
      now={now()}
      seconds={props.speeds.seconds}
      secondsText={clockText}
      first={{
        name: t('run.rowsPerSecond'),
        values: props.speeds.rows_per_second,
        text: rowsText,
        least: 10,
      }}
      second={{
        name: t('run.bytesPerSecond'),
        values: props.speeds.bytes_per_second,
        text: rateText,
        least: 1024,
      }}
    />
  )
}
