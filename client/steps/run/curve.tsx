// Rows and bytes per second over the time of the run.
import { createEffect, createSignal, onCleanup, onMount } from 'solid-js'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { bytesText, clockText, rateText, rowsText, t } from '../../i18n/index.ts'
import { job } from '../../state/job.ts'
import { theme } from '../../state/theme.ts'

const smallest = { width: 200, height: 120 }

export function SpeedCurve() {
  let place: HTMLDivElement | undefined
  let plot: uPlot | undefined
  const [dark, setDark] = createSignal(0)
  const system = matchMedia('(prefers-color-scheme: dark)')
  const onSystem = () => setDark((count) => count + 1)

  function draw() {
    plot?.destroy()
    if (!place) return
    plot = new uPlot(optionsFor(sizeOf(place)), data(), place)
  }
  const resize = new ResizeObserver(() => place && plot?.setSize(sizeOf(place)))

  onMount(() => {
    // Colours and the words of the axes are drawn, so a change of either draws anew.
    createEffect(() => {
      theme()
      dark()
      t('run.curve')
      draw()
    })
    createEffect(() => plot?.setData(data()))
    if (place) resize.observe(place)
    system.addEventListener('change', onSystem)
  })
  onCleanup(() => {
    system.removeEventListener('change', onSystem)
    resize.disconnect()
    plot?.destroy()
  })

  const now = () =>
    t('run.curveText', {
      rows: rowsText(job.overview()?.rows_per_second ?? 0),
      bytes: bytesText(job.overview()?.bytes_per_second ?? 0),
    })
  return (
    <figure class="panel curve">
      <figcaption>
        <span class="key rows" aria-hidden="true" />
        {t('run.rowsPerSecond')}
        <span class="key bytes" aria-hidden="true" />
        {t('run.bytesPerSecond')}
      </figcaption>
      <div class="curve-place" role="img" aria-label={`${t('run.curve')}. ${now()}`} ref={place} />
    </figure>
  )
}

function data(): uPlot.AlignedData {
  const { seconds, rows, bytes } = job.curve()
  return [[...seconds], [...rows], [...bytes]]
}

function sizeOf({ clientWidth, clientHeight }: HTMLElement): { width: number; height: number } {
  return {
    width: Math.max(smallest.width, clientWidth),
    height: Math.max(smallest.height, clientHeight),
  }
}

function optionsFor(size: { width: number; height: number }): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  const line = (scale: string, stroke: string, dash: number[] = []) => ({
    scale,
    stroke,
    dash,
    width: 2,
    points: { show: false },
  })
  return {
    ...size,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_, from, to) => [from ?? 0, Math.max(to ?? 0, (from ?? 0) + 5)] },
      rows: { range: (_, __, most) => [0, Math.max(10, (most ?? 0) * 1.1)] },
      bytes: { range: (_, __, most) => [0, Math.max(1024, (most ?? 0) * 1.1)] },
    },
    series: [{}, line('rows', colour('--accent')), line('bytes', colour('--second'), [6, 4])],
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(clockText), space: 90 },
      { ...axis, scale: 'rows', size: 78, values: (_, ticks) => ticks.map(rowsText), space: 40 },
      {
        ...axis,
        scale: 'bytes',
        side: 1,
        size: 78,
        grid: { show: false },
        values: (_, ticks) => ticks.map(rateText),
        space: 40,
      },
    ],
  }
}
