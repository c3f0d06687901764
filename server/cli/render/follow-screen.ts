// Following without a dashboard: log lines, and below them a status line, which other outputs than terminals get at
// intervals.
import type { FollowLogLine, FollowView } from '../../../shared/follow-view.ts'
import { printable } from '../../../shared/printable.ts'
import { harmless } from '../../system/output.ts'
import { followLine } from './follow-text.ts'
import { Screen, type TerminalStream } from './screen.ts'
import { styleFor } from './style.ts'
import type { Verbosity } from './view.ts'

const betweenLinesMs = 10_000

export class FollowScreen implements Disposable {
  readonly #screen: Screen | undefined
  #bottom: string[] = []
  #lineAt = 0
  #stage: string | undefined

  constructor(
    readonly stream: TerminalStream,
    readonly options: { progress: boolean; level: Verbosity },
  ) {
    const canRedraw = stream.isTTY === true && process.env.TERM !== 'dumb'
    this.#screen = canRedraw && options.progress && options.level !== 'quiet' ? new Screen(stream) : undefined
  }

  say({ level, message }: FollowLogLine) {
    if (this.options.level === 'quiet' && level === 'info') return
    const style = styleFor(this.stream.isTTY === true)
    const paint = level === 'warn' ? style.caution : style.bad
    const line = printable(level === 'info' ? message : `${level}: ${message}`)
    const shown = level === 'info' ? line : paint(line)
    if (this.#screen) this.#screen.draw(this.#bottom, [shown])
    else this.stream.write(`${harmless(shown)}\n`)
  }

  show(view: FollowView) {
    const line = printable(followLine(view))
    if (this.#screen) {
      this.#bottom = [line]
      this.#screen.draw(this.#bottom)
      return
    }
    const { level, progress } = this.options
    const stage = `${view.stage} ${view.state}`
    const isDue = Date.now() - this.#lineAt >= betweenLinesMs || this.#stage !== stage
    if (!isDue || !progress || level === 'quiet') return
    this.#lineAt = Date.now()
    this.#stage = stage
    this.stream.write(`${harmless(line)}\n`)
  }

  [Symbol.dispose]() {
    this.#screen?.close()
  }
}
