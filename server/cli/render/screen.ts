// The bottom of a terminal: a few lines that are redrawn in place while others scroll above them. Each redraw is one
// write that overwrites the lines instead of clearing them first, which avoids flicker.
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
// A terminal may count the width of a character differently, and would then wrap the line.
const wrapOff = `${sequence}?7l`
const wrapOn = `${sequence}?7h`
// Terminals that support it show a whole update at once; others ignore it.
const updateBegins = `${sequence}?2026h`
const updateEnds = `${sequence}?2026l`

export class Screen {
  #drawn: string[] = []
  #columns = 0
  #open = false

  constructor(readonly stream: TerminalStream) {}

  /** Some pseudo terminals report zero columns. */
  get size(): { columns: number; rows: number } {
    return { columns: this.stream.columns || 80, rows: this.stream.rows || 24 }
  }

  /** Prints `above` permanently, and `bottom` until the next call. */
  draw(bottom: string[], above: string[] = []): void {
    if (above.length === 0 && this.#open && this.#isDrawn(bottom)) return
    const lines = [...above, ...bottom].map((line) => `${harmless(line)}${clearToLineEnd}\n`)
    const opening = this.#open ? '' : hideCursor
    // A permanent line starts on a cleared one. After overwriting a longer line, some terminals keep the rest as
    // blanks, and break the line in two when they are made narrower.
    const clean = above.length > 0 ? clearBelow : ''
    const body = `\r${this.#up()}${clean}${wrapOff}${lines.join('')}${clearBelow}${wrapOn}`
    this.stream.write(opening + updateBegins + body + updateEnds)
    this.#open = true
    this.#drawn = bottom
    this.#columns = this.size.columns
  }

  /** Removes the lines at the bottom and restores the cursor. */
  close(above: string[] = []): void {
    if (!this.#open && above.length === 0) return
    this.draw([], above)
    this.stream.write(showCursor)
    this.#open = false
  }

  /** For a sudden end: keeps what others wrote below the bars. */
  release(lines: string[] = []): void {
    if (!this.#open) return
    this.stream.write(wrapOn + showCursor + lines.map((line) => `${harmless(line)}\n`).join(''))
    this.#open = false
  }

  #isDrawn(lines: string[]): boolean {
    if (this.size.columns !== this.#columns || lines.length !== this.#drawn.length) return false
    return lines.every((line, index) => line === this.#drawn[index])
  }

  /** Moves to the first drawn line. A terminal made narrower has broken the lines into several. */
  #up(): string {
    const { columns } = this.size
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0)
    return rows === 0 ? '' : `${sequence}${rows}A`
  }
}
