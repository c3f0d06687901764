// Uses the alternate screen of the terminal, so that its previous content reappears afterwards.

import { harmless } from '../../system/output.ts'
import type { TerminalStream } from '../render/screen.ts'

export interface Keyboard {
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown
  off(event: 'data', listener: (bytes: Uint8Array) => void): unknown
  resume(): unknown
  pause(): unknown
}

const sequence = '\x1b['
const enter = `${sequence}?1049h${sequence}?25l${sequence}?2004h`
const leave = `${sequence}?2004l${sequence}?7h${sequence}?25h${sequence}?1049l`
const clearAll = `${sequence}2J`
const clearToLineEnd = `${sequence}K`
const home = `${sequence}H`
const wrapOff = `${sequence}?7l`
// Terminals that support it show a whole update at once; others ignore it.
const updateBegins = `${sequence}?2026h`
const updateEnds = `${sequence}?2026l`

export class FullScreen implements Disposable {
  #drawn: readonly string[] = []
  #size = ''
  #isOpen = true

  constructor(readonly stream: TerminalStream) {
    stream.write(enter + clearAll)
  }

  /** Some pseudo terminals report zero columns. */
  get size(): { columns: number; rows: number } {
    return { columns: this.stream.columns || 80, rows: this.stream.rows || 24 }
  }

  /** Writes only the lines that have changed, in one write. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    const { columns, rows } = this.size
    const size = `${columns}x${rows}`
    const isNew = size !== this.#size
    const drawn = isNew ? [] : this.#drawn
    let body = ''
    for (let row = 0; row < rows; row++) {
      const line = lines[row] ?? ''
      if (!isNew && line === (drawn[row] ?? '')) continue
      body += `${sequence}${row + 1};1H${harmless(line)}${clearToLineEnd}`
    }
    if (body === '') return
    this.stream.write(`${updateBegins}${wrapOff}${isNew ? clearAll : ''}${body}${home}${updateEnds}`)
    this.#drawn = lines.slice(0, rows)
    this.#size = size
  }

  [Symbol.dispose]() {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.stream.write(leave)
  }
}

/** Reads single keys without an echo until disposed. */
export function listen(keyboard: Keyboard, onText: (text: string) => void): Disposable {
  const decoder = new TextDecoder()
  const onData = (bytes: Uint8Array | string) =>
    onText(typeof bytes === 'string' ? bytes : decoder.decode(bytes, { stream: true }))
  keyboard.setRawMode?.(true)
  keyboard.on('data', onData)
  keyboard.resume()
  let isOpen = true
  return {
    [Symbol.dispose]() {
      if (!isOpen) return
      isOpen = false
      keyboard.off('data', onData)
      keyboard.setRawMode?.(false)
      keyboard.pause()
    },
  }
}
