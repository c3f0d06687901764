// What failed, grouped by cause, with what can be done about it; skipped objects and warnings.
import { createMemo, createSignal, For, type JSX, on, Show } from 'solid-js'
import type { FailedStep } from '../../../shared/failure.ts'
import { type FailureCause, groupByCause } from '../../../shared/failure-causes.ts'
import { inLanguage, rowsText, t } from '../../i18n/index.ts'
import { objectText } from '../../i18n/objects.ts'
import { Cut } from '../../parts/cut.tsx'
import { Disclosure } from '../../parts/disclosure.tsx'
import { ErrorText } from '../../parts/error-text.tsx'
import { Section } from '../../parts/section.tsx'
import { job } from '../../state/job.ts'
import { RepairPart } from './repair.tsx'

export function Failures() {
  const skipped = () => job.overview()?.skipped ?? []
  const warnings = () => job.overview()?.warnings ?? []
  return (
    <>
      <FailureList
        of={job.overview()?.id ?? ''}
        failed={job.overview()?.failed ?? []}
        repairs={!job.isRunning()}
      />
      <Show when={skipped().length > 0}>
        <Disclosure class="skipped" summary={t('run.skipped', { count: rowsText(skipped().length) })}>
          <Cut
            list={skipped()}
            each={(one) => (
              <li>
                <b>{objectText(one.kind, one)}</b>: {inLanguage(one.reason)}
              </li>
            )}
          />
        </Disclosure>
      </Show>
      <Show when={warnings().length > 0 && !job.overview()?.plan}>
        <Disclosure class="warnings" summary={t('run.warnings', { count: rowsText(warnings().length) })}>
          <Cut list={warnings()} each={(text) => <li>{inLanguage(text)}</li>} />
        </Disclosure>
      </Show>
    </>
  )
}

export function FailureList(props: {
  /** The run. */
  of: string
  failed: readonly FailedStep[]
  repairs?: boolean
}) {
  // A list that only grows: a message every half second with the same failures must not draw them again.
  const state = createMemo(() => `${props.of} ${props.failed.length}`)
  const causes = createMemo(on(state, () => groupByCause(props.failed)))
  return (
    <Show when={causes().length > 0}>
      <Section
        class="failures"
        title={t('run.failures', { count: rowsText(props.failed.length) })}
        count={causes().length > 1 ? t('repair.causes', { causes: rowsText(causes().length) }) : undefined}
      >
        <p class="for-readers" role="alert">
          {t('run.failures', { count: rowsText(props.failed.length) })}
        </p>
        <p class="quiet">{t('repair.causesLead')}</p>
        <Show when={props.repairs} fallback={<Causes causes={causes()} each={() => undefined} />}>
          <RepairPart>
            {(choices) => <Causes causes={causes()} each={(cause) => choices(cause.key)} />}
          </RepairPart>
        </Show>
      </Section>
    </Show>
  )
}

const firstCauses = 20

function Causes(props: { causes: readonly FailureCause[]; each: (cause: FailureCause) => JSX.Element }) {
  const [all, setAll] = createSignal(false)
  return (
    <>
      <ol class="causes">
        <For each={all() ? props.causes : props.causes.slice(0, firstCauses)}>
          {(cause) => (
            <li class="failure">
              <Cause cause={cause} />
              {props.each(cause)}
            </li>
          )}
        </For>
      </ol>
      <Show when={!all() && props.causes.length > firstCauses}>
        <button type="button" class="small" onClick={() => setAll(true)}>
          {t('options.all', { count: rowsText(props.causes.length) })}
        </button>
      </Show>
    </>
  )
}

function Cause(props: { cause: FailureCause }) {
  const first = () => props.cause.failures[0] as FailedStep
  const count = () => props.cause.failures.length
  const error = () => props.cause.error
  const facts = () => [
    { name: t('repair.constraint'), value: error().constraint },
    { name: t('repair.column'), value: error().column },
    {
      name: t('repair.row'),
      value:
        error().row === undefined ? undefined : t('repair.rowNumber', { row: rowsText(error().row ?? 0) }),
    },
    { name: t('repair.value'), value: error().value },
  ]
  return (
    <>
      <h3>
        {objectText(props.cause.kind, first())}
        <Show when={count() > 1}>
          {' '}
          <span class="part-count">{t('repair.times', { count: rowsText(count()) })}</span>
        </Show>
      </h3>
      <ErrorText error={error()} />
      <Show when={facts().some(({ value }) => value !== undefined)}>
        <dl class="cause-facts">
          <For each={facts().filter(({ value }) => value !== undefined)}>
            {(fact) => (
              <div>
                <dt>{fact.name}</dt>
                <dd class="mono">{fact.value}</dd>
              </div>
            )}
          </For>
        </dl>
      </Show>
      <Show when={count() > 1}>
        <Disclosure summary={t('repair.objects', { count: rowsText(count()) })}>
          <Cut list={props.cause.failures} each={(one) => <li>{placeOf(one)}</li>} />
        </Disclosure>
      </Show>
    </>
  )
}

/** The object, and where in it, in one line. */
function placeOf(failure: FailedStep): string {
  const { column, row, value } = failure.cause ?? {}
  const parts = [
    objectText(failure.kind, failure),
    ...(column === undefined ? [] : [`${t('repair.column')} ${column}`]),
    ...(row === undefined ? [] : [`${t('repair.row')} ${rowsText(row)}`]),
    ...(value === undefined ? [] : [`${t('repair.value')} ${value}`]),
  ]
  return parts.join(' · ')
}
