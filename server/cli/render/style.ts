// Colours and symbols that the terminal and the user's settings allow.
import { styleText } from 'node:util'

export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
  caution(text: string): string
  accent(text: string): string
  signs: typeof unicodeSigns
}

type Environment = Record<string, string | undefined>

/** Colours on a terminal unless NO_COLOR (https://no-color.org) is set or the terminal is dumb. */
export function styleFor(isTerminal: boolean, environment: Environment = process.env): Style {
  const coloured = isTerminal && !environment.NO_COLOR && environment.TERM !== 'dumb'
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    coloured && text !== '' ? styleText(format, text, { validateStream: false }) : text
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    good: paint('green'),
    bad: paint('red'),
    caution: paint('yellow'),
    accent: paint('cyan'),
    signs: speaksUnicode(environment) ? unicodeSigns : asciiSigns,
  }
}

const unicodeSigns = {
  full: '━',
  half: '╸',
  empty: '─',
  done: '✓',
  separator: ' · ',
  current: '▶',
  ahead: '·',
  on: '●',
  off: '○',
  to: '→',
  back: '←',
  line: '─',
  side: '│',
  corners: '┌┐└┘',
  /** From lowest to highest. */
  heights: '▁▂▃▄▅▆▇█',
  ellipsis: '…',
}
const asciiSigns: typeof unicodeSigns = {
  full: '#',
  half: '',
  empty: '.',
  done: '+',
  separator: ', ',
  current: '>',
  ahead: '.',
  on: '*',
  off: 'o',
  to: '->',
  back: '<-',
  line: '-',
  side: '|',
  corners: '++++',
  heights: '_.-=+*%#',
  ellipsis: '~',
}

/** Containers often have no locale on a terminal that supports Unicode: only an explicit other encoding counts. */
function speaksUnicode(environment: Environment): boolean {
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG
  if (environment.TERM === 'linux' || environment.TERM === 'dumb') return false
  return !locale || /utf-?8/i.test(locale)
}
