// How long the migration may take: a range, with how it was computed.
import { createEffect, createMemo, Match, Show, Switch } from 'solid-js'
import type { PlanAnswer } from '../../../shared/plan-api.ts'
import { writeFactor } from '../../../shared/time-estimate.ts'
import { bytesText, durationText, rateText, rowsText, t } from '../../i18n/index.ts'
import { Disclosure } from '../../parts/disclosure.tsx'
import { ErrorText } from '../../parts/error-text.tsx'
import { draft } from '../../state/draft.ts'
import { estimateOf, isMeasuredAtOnce, largestTable, measure, sampled } from '../../state/plan-estimate.ts'

const shortSeconds = 10

export function EstimateLine(props: { plan: PlanAnswer }) {
  const largest = createMemo(() => largestTable(props.plan))
  const sample = () => sampled.sampleFor(largest())
  const range = () => {
    const known = sample()
    return known && estimateOf(known, props.plan, draft.options)
  }
  createEffect(() => {
    const table = largest()
    if (table && isMeasuredAtOnce(props.plan) && sampled.isUnknown(table)) void measure(table)
  })
  return (
    <Show when={largest()}>
      {(table) => (
        <div class="plan-estimate">
          <Switch>
            <Match when={sampled.measuring()}>
              <p class="quiet" role="status">
                <span class="spinner" aria-hidden="true" />
                {t('plan.estimate.measuring', { table: `${table().schema}.${table().name}` })}
              </p>
            </Match>
            <Match when={sampled.problemFor(table())}>
              {(problem) => (
                <div class="quiet">
                  <p>{t('plan.estimate.failed')}</p>
                  <ErrorText error={problem().info} />
                  <Again table={table()} />
                </div>
              )}
            </Match>
            <Match when={range()}>
              {(found) => (
                <>
                  <p>
                    <b>{rangeText(found())}</b> <span class="quiet">{t('plan.estimate.about')}</span>
                  </p>
                  <Disclosure summary={t('plan.estimate.how')}>
                    <Show when={sample()}>
                      {(known) => (
                        <p class="quiet">
                          {t('plan.estimate.computed', {
                            table: `${known().schema}.${known().table}`,
                            read: bytesText(known().bytes),
                            seconds: durationText(known().seconds),
                            rate: rateText(found().readRate),
                            bytes: bytesText(props.plan.bytes),
                            workers: rowsText(props.plan.workers),
                            least: writeFactor.least,
                            most: writeFactor.most,
                            trip: known().round_trip_ms,
                          })}
                        </p>
                      )}
                    </Show>
                    <p class="quiet">{t('plan.estimate.notMeasured')}</p>
                    <Again table={table()} />
                  </Disclosure>
                </>
              )}
            </Match>
            <Match when={sample()}>
              <p class="quiet">{t('plan.estimate.unknown')}</p>
            </Match>
            <Match when={true}>
              <p>
                <button type="button" class="small" onClick={() => void measure(table())}>
                  {t('plan.estimate.measure')}
                </button>{' '}
                <span class="quiet">
                  {t('plan.estimate.measureLead', { table: `${table().schema}.${table().name}` })}
                </span>
              </p>
            </Match>
          </Switch>
        </div>
      )}
    </Show>
  )
}

function Again(props: { table: { schema: string; name: string } }) {
  return (
    <p>
      <button type="button" class="small" onClick={() => void measure(props.table)}>
        {t('plan.estimate.again')}
      </button>
    </p>
  )
}

function rangeText({ least, most }: { least: number; most: number }): string {
  if (most < shortSeconds) return t('plan.estimate.short', { most: shortSeconds })
  const { name, seconds } = units.find((unit) => most < unit.below) ?? hours
  // Rounded away from each other: no more digits than an estimate has, and never one number.
  const from = Math.floor(least / seconds)
  const to = Math.max(from + 1, Math.ceil(most / seconds))
  return from < 1
    ? t(`plan.estimate.upTo.${name}`, { to: rowsText(to) })
    : t(`plan.estimate.range.${name}`, { from: rowsText(from), to: rowsText(to) })
}

const hours = { name: 'hours', seconds: 3600, below: Number.POSITIVE_INFINITY } as const
const units = [
  { name: 'seconds', seconds: 1, below: 120 },
  { name: 'minutes', seconds: 60, below: 3 * 3600 },
  hours,
] as const
