// The progress bars: redrawn a few times a second at the bottom of the terminal, with messages scrolling above.
import { ProgressFold } from '../../../shared/fold.ts'
import { stopSignals } from '../interrupt.ts'
import { frame } from './bars.ts'
import { remarkLines, remarks } from './remarks.ts'
import { Screen, type TerminalStream } from './screen.ts'
import { styleFor } from './style.ts'
import { summaryLines } from './summary-table.ts'
import type { View, ViewOptions } from './view-types.ts'

const betweenFrames = 100

export function liveView(stream: TerminalStream, options: ViewOptions = {}): View {
  const { level = 'normal', environment, now = Date.now, interval = betweenFrames } = options
  const style = styleFor(true, environment)
  const fold = new ProgressFold()
  const screen = new Screen(stream)
  let pending: string[] = []
  let isOpen = true
  let isPaused = false

  const timer = setInterval(redraw, interval)
  timer.unref()
  const unguard = guardCursor(() => screen.release(pending))

  function redraw(): void {
    if (isPaused) return
    screen.draw(frame(fold, now(), screen.size, style), pending)
    pending = []
  }

  function close(lines: string[] = []): void {
    if (!isOpen) return
    isOpen = false
    clearInterval(timer)
    unguard()
    screen.close([...pending, ...lines])
  }

  return {
    event(event) {
      fold.apply(event)
      // The frame shows this while the run lasts.
      if (event.type === 'started') return
      for (const remark of remarks(event, fold, level)) {
        pending.push(...remarkLines(remark, width(), style, event.type === 'step_finished'))
      }
    },
    say(text, level = 'info') {
      pending.push(...remarkLines({ level, text }, width(), style))
    },
    pause() {
      screen.close(pending)
      pending = []
      isPaused = true
      return {
        [Symbol.dispose]() {
          isPaused = false
        },
      }
    },
    end(summary) {
      close(summaryLines(summary, width(), style))
    },
    [Symbol.dispose]() {
      close()
    },
  }

  function width(): number {
    return Math.max(1, screen.size.columns - 1)
  }
}

/** Restores the cursor however the process ends. Returns a function that stops watching. */
function guardCursor(release: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    // Another listener decides when the process ends; until then the bars stay.
    if (process.listenerCount(signal) > 1) return
    unguard()
    release()
    process.kill(process.pid, signal)
  }
  const unguard = () => {
    process.off('exit', release)
    for (const signal of stopSignals) process.off(signal, onSignal)
  }
  process.on('exit', release)
  for (const signal of stopSignals) process.on(signal, onSignal)
  return unguard
}
