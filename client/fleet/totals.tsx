// The fleet in a few numbers.
import { createMemo } from 'solid-js'
import { bytesText, durationText, rateText, rowsText, t } from '../i18n/index.ts'
import { type BoardMapping, isGreen, isOver } from '../state/fleet-rows.ts'

export function Totals(props: { mappings: readonly BoardMapping[] }) {
  const sums = createMemo(() => {
    const databases = props.mappings.flatMap((mapping) => mapping.databases)
    const heads = props.mappings.map(({ head }) => head)
    const sum = (read: (head: (typeof heads)[number]) => number) =>
      heads.reduce((total, head) => total + read(head), 0)
    const counted = heads.filter(({ row_difference }) => row_difference !== undefined)
    return {
      databases: databases.length,
      over: databases.filter(isOver).length,
      ready: databases.filter(isGreen).length,
      problems: databases.filter(({ state }) => state === 'problem').length,
      tables: sum(({ tables }) => tables),
      tablesDone: sum(({ tables_done }) => tables_done),
      rate: sum(({ bytes_per_second }) => bytes_per_second),
      lagBytes: Math.max(0, ...heads.map(({ lag_bytes }) => lag_bytes)),
      lagSeconds: Math.max(0, ...heads.map(({ lag_seconds }) => lag_seconds)),
      difference: counted.length > 0 ? sum(({ row_difference = 0 }) => row_difference) : undefined,
    }
  })
  const figures = () => [
    { name: t('fleet.totals.mappings'), text: rowsText(props.mappings.length) },
    { name: t('fleet.totals.databases'), text: ofText(sums().over, sums().databases) },
    { name: t('fleet.totals.ready'), text: rowsText(sums().ready) },
    { name: t('fleet.totals.problems'), text: rowsText(sums().problems) },
    { name: t('fleet.totals.tables'), text: ofText(sums().tablesDone, sums().tables) },
    { name: t('fleet.totals.lag'), text: lagText(sums().lagBytes, sums().lagSeconds) },
    { name: t('fleet.totals.rows'), text: differenceText(sums().difference) },
    { name: t('fleet.totals.rate'), text: rateText(sums().rate) },
  ]
  return (
    <section class="panel" aria-label={t('fleet.totals.title')}>
      <dl class="figures fleet-figures">
        {figures().map(({ name, text }) => (
          <div>
            <dt>{name}</dt>
            <dd class="numbers">{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

export function ofText(done: number, total: number): string {
  return t('fleet.of', { done: rowsText(done), total: rowsText(total) })
}

export function lagText(bytes: number, seconds: number): string {
  return `${bytesText(bytes)}, ${durationText(seconds)}`
}

/** Plus: the source has more. */
export function differenceText(rows: number | undefined): string {
  if (rows === undefined) return t('fleet.notCounted')
  return rows > 0 ? `+${rowsText(rows)}` : rowsText(rows)
}
