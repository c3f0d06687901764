// What both comparisons share: the head with progress and cancel, the databases, and the states without a result.
import { type JSX, Match, Show, Switch } from 'solid-js'
import type { Comparison, ComparisonResult } from '../../shared/comparison-api.ts'
import { durationText, rateText, rowsText, t } from '../i18n/index.ts'
import { download } from '../parts/download.ts'
import { ErrorText } from '../parts/error-text.tsx'
import { Notice, Problem } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import { type HeadTone, StatusHead } from '../parts/status-head.tsx'
import { formatUrl, isEmptyEnd } from '../state/connection-url.ts'
import { draft } from '../state/draft.ts'
import type { ComparisonState } from './state.ts'

export function Frame(props: {
  state: ComparisonState
  kind: Comparison['kind']
  /** The verdict of a result. */
  verdict: (result: ComparisonResult) => string
  options: JSX.Element
  onStart: () => void
  children: (result: ComparisonResult) => JSX.Element
}) {
  const hasEnds = () => !isEmptyEnd(draft.source) && !isEmptyEnd(draft.destination)
  const title = () => t(props.kind === 'data' ? 'compare.title' : 'compare.schemaTitle')
  const heading = () => {
    const now = props.state.now()
    if (!now) return title()
    if (now.stopping) return t('compare.state.stopping')
    if (now.state !== 'done') return t(`compare.state.${now.state}`)
    const result = props.state.result()
    return result ? props.verdict(result) : title()
  }
  const about = () => {
    const now = props.state.now()
    if (now) return `${now.source} → ${now.destination}`
    return t(props.kind === 'data' ? 'compare.lead' : 'compare.schemaLead')
  }
  return (
    <section class="step compare">
      <StatusHead
        tone={toneOf(props.state.now())}
        state={heading()}
        about={about()}
        figures={figuresOf(props.state.now())}
        percent={percentOf(props.state.now())}
        barLabel={t('compare.progress')}
        actions={
          <Switch>
            <Match when={props.state.isRunning() && props.state.now()}>
              {(now) => (
                <button
                  type="button"
                  class="danger"
                  disabled={now().stopping}
                  onClick={() => void props.state.cancel(now().id)}
                >
                  {t('compare.cancel')}
                </button>
              )}
            </Match>
            <Match when={props.state.result()?.comparison.state === 'done' && props.state.result()}>
              {(result) => (
                <>
                  <button
                    type="button"
                    onClick={() =>
                      download(`comparison-${result().comparison.id}.json`, JSON.stringify(result(), null, 2))
                    }
                  >
                    {t('compare.save')}
                  </button>
                  <button type="button" onClick={() => print()}>
                    {t('compare.print')}
                  </button>
                </>
              )}
            </Match>
          </Switch>
        }
      />
      <div class="compare-setup">
        <nav class="compare-kinds" aria-label={t('compare.kinds')}>
          <PageLink to="/#compare" current={props.kind === 'data'}>
            {t('compare.data')}
          </PageLink>
          <PageLink to="/#schema" current={props.kind === 'schema'}>
            {t('compare.schema')}
          </PageLink>
        </nav>
        <Show when={hasEnds()} fallback={<p>{t('compare.noEnds')}</p>}>
          <p class="compare-ends mono">
            {formatUrl(draft.source, { masked: true })} → {formatUrl(draft.destination, { masked: true })}
          </p>
        </Show>
        <PageLink to="/#connections">{t('compare.change')}</PageLink>
        <fieldset class="compare-options" disabled={props.state.isRunning()}>
          <legend class="compare-legend">{t('compare.options')}</legend>
          {props.options}
        </fieldset>
        <div class="actions">
          <button
            type="button"
            class={props.state.now() ? '' : 'primary'}
            disabled={!hasEnds() || props.state.isRunning()}
            onClick={() => props.onStart()}
          >
            {t(props.state.now() ? 'compare.again' : 'compare.start')}
          </button>
        </div>
      </div>
      <Show when={props.state.problem()}>
        {(problem) => (
          <Problem
            of={problem()}
            {...(problem().info.error === 'unreachable' && { onRetry: () => void props.state.load() })}
          />
        )}
      </Show>
      <Show when={props.state.isLoading() && !props.state.now()}>
        <p class="empty" role="status">
          <span class="spinner" aria-hidden="true" />
          {t('app.loading')}
        </p>
      </Show>
      <Show when={props.state.now()?.error}>
        {(error) => (
          <Notice tone="bad" role="alert" title={t('compare.state.failed')}>
            <ErrorText error={error()} />
          </Notice>
        )}
      </Show>
      <Show when={props.state.result()} keyed>
        {(result) => props.children(result)}
      </Show>
    </section>
  )
}

export function OptionBox(props: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <label class="compare-box">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  )
}

function toneOf(now: Comparison | undefined): HeadTone {
  if (!now) return 'idle'
  if (now.finished_at === null) return 'busy'
  if (now.state === 'failed') return 'bad'
  if (now.state === 'cancelled') return 'warn'
  return now.outcome === 'same' ? 'good' : 'warn'
}

function percentOf(now: Comparison | undefined): number | undefined {
  if (!now?.progress || now.finished_at !== null) return undefined
  const { bytes, read_bytes, tables, settled_tables } = now.progress
  return bytes > 0
    ? Math.min(100, (100 * read_bytes) / bytes)
    : tables > 0
      ? (100 * settled_tables) / tables
      : 0
}

function figuresOf(now: Comparison | undefined) {
  if (!now) return []
  const { progress, elapsed_seconds, finished_at } = now
  const took = { label: t('compare.took'), value: durationText(elapsed_seconds) }
  if (!progress) return [took]
  return [
    {
      label: t('compare.tables'),
      value: `${rowsText(progress.settled_tables)} / ${rowsText(progress.tables)}`,
    },
    { label: t('compare.rowsRead'), value: rowsText(progress.read_rows) },
    { label: t('compare.rate'), value: rateText(progress.bytes_per_second) },
    ...(finished_at === null && progress.seconds_left !== null
      ? [{ label: t('compare.left'), value: durationText(progress.seconds_left) }]
      : []),
    took,
  ]
}
