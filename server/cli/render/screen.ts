// The bottom of a terminal: a few lines that are redrawn in place, while others scroll by above them.
//
// Each redraw is one write that overwrites what stands there, line by line, instead of clearing it first:
// that is what keeps it from flickering.
import { harmless } from '../../system/output.ts'
import { widthOf } from './text.ts'

export interface TerminalStream {
  isTTY?: boolean
  columns?: number
  rows?: number
  write(text: string): unknown
}

const sequence = '\x1b['
const hideCursor = `${sequence}?25l`
const showCursor = `${sequence}?25h`
const clearToLineEnd = `${sequence}K`
const clearBelow = `${sequence}J`
// A terminal whose idea of a character's width differs from ours would otherwise wrap the line.
const wrapOff = `${sequence}?7l`
const wrapOn = `${sequence}?7h`
// Terminals that know it show a whole update at once; the others ignore it.
const updateBegins = `${sequence}?2026h`
const updateEnds = `${sequence}?2026l`

export class Screen {
  #drawn: string[] = []
  #columns = 0
  #open = false

  constructor(readonly stream: TerminalStream) {}

  /** Some pseudo terminals say that they have no columns at all. */
  get size(): { columns: number; rows: number } {
    return { columns: this.stream.columns || 80, rows: this.stream.rows || 24 }
  }

  /** Prints `above` for good, and `bottom` until the next time. */
  draw(bottom: string[], above: string[] = []): void {
    if (above.length === 0 && this.#open && this.#isDrawn(bottom)) return
    const lines = [...above, ...bottom].map((line) => `${harmless(line)}${clearToLineEnd}\n`)
    const opening = this.#open ? '' : hideCursor
    // A line that stays for good starts from an empty one: where it only overwrites a longer line, some
    // terminals remember the rest as blanks and break it in two when they are made narrower.
    const clean = above.length > 0 ? clearBelow : ''
    const body = `\r${this.#up()}${clean}${wrapOff}${lines.join('')}${clearBelow}${wrapOn}`
    this.stream.write(opening + updateBegins + body + updateEnds)
    this.#open = true
    this.#drawn = bottom
    this.#columns = this.size.columns
  }

  /** Removes the lines at the bottom and gives the cursor back. */
  close(above: string[] = []): void {
    if (!this.#open && above.length === 0) return
    this.draw([], above)
    this.stream.write(showCursor)
    this.#open = false
  }

  /** For an end that comes too suddenly to clean up: what others wrote below the bars stays. */
  release(lines: string[] = []): void {
    if (!this.#open) return
    this.stream.write(wrapOn + showCursor + lines.map((line) => `${harmless(line)}\n`).join(''))
    this.#open = false
  }

  #isDrawn(lines: string[]): boolean {
    if (this.size.columns !== this.#columns || lines.length !== this.#drawn.length) return false
    return lines.every((line, index) => line === this.#drawn[index])
  }

  /** To the first of the drawn lines. A terminal made narrower has broken them into several. */
  #up(): string {
    const { columns } = this.size
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0)
    return rows === 0 ? '' : `${sequence}${rows}A`
  }
}
