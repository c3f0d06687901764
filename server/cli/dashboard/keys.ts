// Decodes the input of a terminal into keys: characters, and sequences for keys without one.
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html

/** A character stands for its own key. */
export type Key =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'home'
  | 'end'
  | 'tab'
  | 'back-tab'
  | 'enter'
  | 'escape'
  | 'interrupt'
  | (string & {})

const named: Record<string, Key> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\x1b[C': 'right',
  '\x1bOC': 'right',
  '\x1b[D': 'left',
  '\x1bOD': 'left',
  '\x1b[5~': 'page-up',
  '\x1b[6~': 'page-down',
  '\x1b[H': 'home',
  '\x1bOH': 'home',
  '\x1b[1~': 'home',
  '\x1b[7~': 'home',
  '\x1b[F': 'end',
  '\x1bOF': 'end',
  '\x1b[4~': 'end',
  '\x1b[8~': 'end',
  '\x1b[Z': 'back-tab',
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\x03': 'interrupt',
}

const escapeSign = '\x1b'
const pasteBegins = '\x1b[200~'
const pasteEnds = '\x1b[201~'

export class KeyReader {
  #rest = ''
  #isPasting = false

  /** True while the input may be the start of a longer sequence. */
  get isWaiting(): boolean {
    return this.#rest !== '' && !this.#isPasting
  }

  read(text: string): Key[] {
    this.#rest += text
    const keys: Key[] = []
    for (;;) {
      // Pasted text is ignored, so that it cannot answer a question.
      if (this.#isPasting && !this.#skipPaste()) return keys
      if (this.#rest === '') return keys
      const sequence = nextOf(this.#rest)
      if (sequence === undefined) return keys
      this.#rest = this.#rest.slice(sequence.length)
      if (sequence === pasteBegins) this.#isPasting = true
      const key = keyOf(sequence)
      if (key !== undefined) keys.push(key)
    }
  }

  /** Called if nothing follows: the start of a sequence was the Escape key. */
  flush(): Key[] {
    if (!this.isWaiting) return []
    this.#rest = ''
    return ['escape']
  }

  #skipPaste(): boolean {
    const end = this.#rest.indexOf(pasteEnds)
    if (end < 0) {
      this.#rest = this.#rest.slice(-(pasteEnds.length - 1))
      return false
    }
    this.#rest = this.#rest.slice(end + pasteEnds.length)
    this.#isPasting = false
    return true
  }
}

/** The first character or complete sequence; undefined while it is incomplete. */
function nextOf(text: string): string | undefined {
  if (!text.startsWith(escapeSign)) return Array.from(text)[0]
  const second = text[1]
  if (second === undefined) return undefined
  if (second === 'O') return text.length < 3 ? undefined : text.slice(0, 3)
  if (second !== '[') return escapeSign
  // Parameters, then one letter or tilde at the end.
  for (let index = 2; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code >= 0x40 && code <= 0x7e) return text.slice(0, index + 1)
    if (code < 0x20 || code > 0x7e) return text.slice(0, index)
  }
  return undefined
}

function keyOf(sequence: string): Key | undefined {
  const key = named[sequence]
  if (key !== undefined) return key
  if (sequence === escapeSign) return 'escape'
  // Other sequences and control characters are ignored.
  return /^[^\p{Cc}]+$/u.test(sequence) ? sequence : undefined
}
