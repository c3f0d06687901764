// Colours and signs, as far as the terminal and the user want them.
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

/** Colours on a terminal unless NO_COLOR (https://no-color.org) or a dumb terminal forbids them. */
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
  /** From nothing to the most. */
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

/** Containers often have no locale at all on a terminal that does speak Unicode: only a "no" counts. */
function speaksUnicode(environment: Environment): boolean {
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG
  if (environment.TERM === 'linux' || environment.TERM === 'dumb') return false
  return !locale || /utf-?8/i.test(locale)
}
