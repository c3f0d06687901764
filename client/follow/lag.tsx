// Lag and speed of each direction, now and over time.
import { createMemo, Index, Show } from 'solid-js'
import type { FollowView, StreamView } from '../../shared/follow-view.ts'
import { bytesText, durationText, rowsText, t } from '../i18n/index.ts'
import { Curves } from '../parts/curves.tsx'
import { Figure } from '../parts/fact.tsx'
import { hasProcess, mainStream } from '../state/follows.ts'

export function Lag(props: { view: FollowView }) {
  return (
    <Show when={props.view.streams.length > 0}>
      <div class="lag" classList={{ old: !hasProcess(props.view) }}>
        <Index each={props.view.streams}>{(stream) => <StreamFigures stream={stream()} />}</Index>
      </div>
      <Show when={hasProcess(props.view) && props.view.samples.length > 1}>
        <LagCurves view={props.view} />
      </Show>
    </Show>
  )
}

export function lagTimeText(milliseconds: number): string {
  return durationText(milliseconds / 1000)
}

function StreamFigures(props: { stream: StreamView }) {
  const status = () => props.stream.status
  const way = () => t(props.stream.direction === 'forward' ? 'follow.forward' : 'follow.back')
  return (
    <section class="panel" aria-label={way()}>
      <h2>{way()}</h2>
      <dl class="figures">
        <Figure name={t('follow.lagBytes')}>{bytesText(status().lagBytes)}</Figure>
        <Figure name={t('follow.lagTime')}>{lagTimeText(status().lagMilliseconds)}</Figure>
        <Figure name={t('follow.rows')}>{rowsText(status().rows)}</Figure>
        <Figure name={t('follow.transactions')}>{rowsText(status().transactions)}</Figure>
        <Figure name={t('follow.rowsPerSecond')}>{rowsText(Math.round(status().rowsPerSecond))}</Figure>
        <Figure name={t('follow.transactionsPerSecond')}>
          {rowsText(Math.round(status().transactionsPerSecond))}
        </Figure>
      </dl>
      <Show when={status().spilledBytes > 0}>
        <p class="quiet">
          {t('follow.spilled')}: {bytesText(status().spilledBytes)}
        </p>
      </Show>
    </section>
  )
}

function LagCurves(props: { view: FollowView }) {
  const samples = createMemo(() => props.view.samples)
  const seconds = createMemo(() => samples().map(({ at }) => at / 1000))
  const status = () => mainStream(props.view)?.status
  return (
    <div class="lag-curves">
      <Curves
        label={t('follow.lagCurve')}
        now={t('follow.lagCurveNow', {
          bytes: bytesText(status()?.lagBytes ?? 0),
          seconds: lagTimeText(status()?.lagMilliseconds ?? 0),
        })}
        seconds={seconds()}
        secondsText={timeText}
        first={{
          name: `${t('follow.lagWord')}, ${t('follow.bytes')}`,
          values: samples().map((one) => one.lag_bytes),
          text: bytesText,
          least: 1024,
        }}
        second={{
          name: `${t('follow.lagWord')}, ${t('follow.seconds')}`,
          values: samples().map((one) => one.lag_seconds),
          text: durationText,
          least: 1,
        }}
      />
      <Curves
        label={t('follow.rateCurve')}
        now={t('follow.rateCurveNow', {
          rows: rowsText(Math.round(status()?.rowsPerSecond ?? 0)),
          transactions: rowsText(Math.round(status()?.transactionsPerSecond ?? 0)),
        })}
        seconds={seconds()}
        secondsText={timeText}
        first={{
          name: t('follow.rowsPerSecond'),
          values: samples().map((one) => one.rows_per_second),
          text: rowsText,
          least: 10,
        }}
        second={{
          name: t('follow.transactionsPerSecond'),
          values: samples().map((one) => one.transactions_per_second),
          text: rowsText,
          least: 10,
        }}
      />
    </div>
  )
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toTimeString().slice(0, 8)
}
