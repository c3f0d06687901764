// The latest log lines of a job, numbered from 1, so that each listener can say how far it has heard.
import type { LogLine } from '../../shared/api.ts'

/** What is kept at hand; the store and the file have more. */
const mostLines = 5_000
const longestMessage = 10_000

export class JobLog {
  #lines: LogLine[] = []
  #forgotten = 0

  get last(): number {
    return this.#forgotten + this.#lines.length
  }

  add(line: LogLine) {
    const { message } = line
    this.#lines.push(
      message.length > longestMessage ? { ...line, message: message.slice(0, longestMessage) } : line,
    )
    // In large bites: moving thousands of lines for each new one would cost more than the line.
    if (this.#lines.length < 2 * mostLines) return
    this.#forgotten += this.#lines.length - mostLines
    this.#lines = this.#lines.slice(-mostLines)
  }

  /** The lines behind this number, the latest ones when there are more than `most`. */
  since(number: number, most = Number.POSITIVE_INFINITY): LogLine[] {
    const first = Math.max(0, number - this.#forgotten, this.#lines.length - most)
    return this.#lines.slice(first)
  }
}
