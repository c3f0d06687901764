// Two curves over time in one plot, each with its own axis.
import { createEffect, createResource, createSignal, onCleanup, onMount } from 'solid-js'
import type uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './curves.css'
import { theme } from '../state/theme.ts'

export interface CurveLine {
  name: string
  values: readonly number[]
  /** A value as the axis shows it. */
  text: (value: number) => string
  /** The axis reaches at least this value. */
  least: number
}

interface CurvesProps {
  label: string
  /** The newest values, for screen readers. */
  now: string
  seconds: readonly number[]
  secondsText: (value: number) => string
  first: CurveLine
  second: CurveLine
}

const loadPlot = async () => (await import('uplot')).default
const smallest = { width: 200, height: 120 }

export function Curves(props: CurvesProps) {
  let place: HTMLDivElement | undefined
  let plot: uPlot | undefined
  const [dark, setDark] = createSignal(0)
  const system = matchMedia('(prefers-color-scheme: dark)')
  const onSystem = () => setDark((count) => count + 1)
  const data = (): uPlot.AlignedData => [
    [...props.seconds],
    [...props.first.values],
    [...props.second.values],
  ]

  const [Plot] = createResource(loadPlot)
  function draw() {
    plot?.destroy()
    const Made = Plot.latest
    if (!place || !Made) return
    plot = new Made(optionsFor(sizeOf(place), props), data(), place)
  }
  const resize = new ResizeObserver(() => place && plot?.setSize(sizeOf(place)))

  onMount(() => {
    // Colours and axis labels are drawn, so that a change of theme or language draws again.
    createEffect(() => {
      theme()
      dark()
      props.label
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

  return (
    <figure class="panel curve">
      <figcaption>
        <span class="key first" aria-hidden="true" />
        {props.first.name}
        <span class="key second" aria-hidden="true" />
        {props.second.name}
      </figcaption>
      <div
        class="curve-place"
        role="img"
        aria-label={`${props.label}. ${props.now}`}
        data-points={props.seconds.length}
        ref={place}
      />
    </figure>
  )
}

function sizeOf({ clientWidth, clientHeight }: HTMLElement): { width: number; height: number } {
  return {
    width: Math.max(smallest.width, clientWidth),
    height: Math.max(smallest.height, clientHeight),
  }
}

function optionsFor(size: { width: number; height: number }, props: CurvesProps): uPlot.Options {
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
  const upTo =
    (line: () => CurveLine): uPlot.Scale.Range =>
    (_, __, most) => [0, Math.max(line().least, (most ?? 0) * 1.1)]
  return {
    ...size,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_, from, to) => [from ?? 0, Math.max(to ?? 0, (from ?? 0) + 5)] },
      first: { range: upTo(() => props.first) },
      second: { range: upTo(() => props.second) },
    },
    series: [{}, line('first', colour('--accent')), line('second', colour('--second'), [6, 4])],
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(props.secondsText), space: 90 },
      { ...axis, scale: 'first', size: 78, values: (_, ticks) => ticks.map(props.first.text), space: 40 },
      {
        ...axis,
        scale: 'second',
        side: 1,
        size: 78,
        grid: { show: false },
        values: (_, ticks) => ticks.map(props.second.text),
        space: 40,
      },
    ],
  }
}
