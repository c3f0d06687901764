// A terminal of a given size that keeps what is written: as much of one as pgtrek uses. Any other sequence is recorded
// as an error.
import type { TerminalStream } from '../../server/cli/render/screen.ts'

/** A wide character takes two cells: itself and this. */
const continuation = ''

export class VirtualTerminal implements TerminalStream {
  readonly isTTY = true
  readonly writes: string[] = []
  readonly faults: string[] = []
  #lines: string[][] = [[]]
  #row = 0
  #column = 0
  #isCursorShown = true
  #isColoured = false
  /** The screen before a program switched to the alternate one. */
  #before: { lines: string[][]; row: number; column: number } | undefined

  constructor(
    public columns: number,
    public rows: number,
  ) {}

  write(text: string): boolean {
    this.writes.push(text)
    for (const part of text.split(sequences)) {
      if (part.startsWith(introducer)) this.#control(part.slice(introducer.length))
      else for (const { segment } of graphemes.segment(part)) this.#show(segment)
    }
    return true
  }

  get isColoured(): boolean {
    return this.#isColoured
  }

  /** True while a program uses the alternate screen. */
  get isFullScreen(): boolean {
    return this.#before !== undefined
  }

  get isCursorShown(): boolean {
    return this.#isCursorShown
  }

  /** All lines since the start, also those that have scrolled out. */
  get lines(): string[] {
    return this.#lines.map((cells) => cells.join('').trimEnd())
  }

  /** Only the visible lines. */
  get screen(): string[] {
    return this.lines.slice(-this.rows)
  }

  #show(grapheme: string): void {
    if (grapheme === '\r') this.#column = 0
    else if (grapheme === '\n' || grapheme === '\r\n') this.#newLine()
    else if (/\p{Cc}/u.test(grapheme)) this.faults.push(`control character ${JSON.stringify(grapheme)}`)
    else this.#put(grapheme)
  }

  #control(command: string): void {
    const up = /^(\d+)A$/.exec(command)
    if (up) this.#row = Math.max(this.#lines.length - this.rows, 0, this.#row - Number(up[1]))
    else if (command === 'K') this.#line.length = Math.min(this.#line.length, this.#column)
    else if (command === 'J') this.#clearBelow()
    else if (command === '2J') this.#lines.length = this.#row = 0
    else if (command === '?1049h') this.#enterPage()
    else if (command === '?1049l') this.#leavePage()
    else if (/^(\d+;\d+)?H$/.test(command)) this.#moveTo(command)
    else if (command === '?25l') this.#isCursorShown = false
    else if (command === '?25h') this.#isCursorShown = true
    else if (/^[\d;]*m$/.test(command)) this.#isColoured = true
    else if (!/^\?(7|2004|2026)[hl]$/.test(command)) this.faults.push(`command ${command}`)
  }

  #enterPage() {
    this.#before = { lines: this.#lines, row: this.#row, column: this.#column }
    this.#lines = [[]]
    this.#row = this.#column = 0
  }

  #leavePage() {
    if (!this.#before) return void this.faults.push('there is no page to leave')
    this.#lines = this.#before.lines
    this.#row = this.#before.row
    this.#column = this.#before.column
    this.#before = undefined
  }

  #moveTo(command: string) {
    const [row = 1, column = 1] = command === 'H' ? [] : command.slice(0, -1).split(';').map(Number)
    if (!this.#before || row > this.rows || column > this.columns) {
      this.faults.push(`no place for ${command}`)
      return
    }
    this.#row = row - 1
    this.#column = column - 1
    for (let line = this.#lines.length; line <= this.#row; line++) this.#lines[line] = []
  }

  #put(grapheme: string): void {
    const width = Bun.stringWidth(grapheme)
    if (width === 0) return
    if (this.#column + width > this.columns) {
      this.faults.push(`wider than ${this.columns} columns: ${this.#line.join('')}${grapheme}`)
      return
    }
    for (let column = this.#line.length; column < this.#column; column++) this.#line[column] = ' '
    this.#line[this.#column] = grapheme
    if (width === 2) this.#line[this.#column + 1] = continuation
    this.#column += width
  }

  #newLine(): void {
    this.#row++
    this.#column = 0
    this.#lines[this.#row] ??= []
  }

  #clearBelow(): void {
    this.#line.length = Math.min(this.#line.length, this.#column)
    this.#lines.length = this.#row + 1
  }

  get #line(): string[] {
    const line = this.#lines[this.#row]
    if (!line) throw new Error('the cursor is not on a line')
    return line
  }
}

const introducer = '\x1b['
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's commands begin with one
const sequences = /(\x1b\[[?\d;]*[A-Za-z])/
const graphemes = new Intl.Segmenter()
