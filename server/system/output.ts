// The one door for text to a terminal, a pipe or a log of the system. What servers say can have any character in it;
// on a terminal some of them are commands. Newlines stay newlines, and what pgtrek itself paints keeps its colours.
import { printable } from '../../shared/printable.ts'

/** Colours and the like (SGR), as `style.ts` makes them; they cannot move, hide or ask for anything. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
const painted = /(\x1b\[[\d;]*m|[\n\t])/

/** Of text that was put together from pieces, some of them painted. */
export function harmless(text: string): string {
  const parts = text.split(painted)
  return parts.map((part, index) => (index % 2 === 1 ? part : printable(part))).join('')
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** To standard error: what happens, what is wrong. */
export function tell(text: string) {
  process.stderr.write(`${lines(text)}\n`)
}

/** The same for lines that are painted. */
export function tellPainted(text: string) {
  process.stderr.write(`${harmless(text)}\n`)
}

/** To standard output: what was asked for. The lines may be painted. */
export function print(text: readonly string[]) {
  process.stdout.write(text.map((line) => `${harmless(line)}\n`).join(''))
}

export function printJson(value: unknown) {
  process.stdout.write(`${jsonText(value)}\n`)
}

/** The same value, with what a terminal would obey written as `\u009b`. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e]/gu, (character) =>
    printable(character) === character ? character : escaped(character),
  )
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** A mistake of our own, with where it happened. */
export function tellMistake(error: unknown, about?: string) {
  tell(`${about === undefined ? '' : `${about} `}${Bun.inspect(error)}`)
}
