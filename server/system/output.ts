// All text for a terminal, a pipe or a system log goes through here. Text from servers may contain any character, and
// a terminal would interpret some of them as commands. Newlines stay newlines, and pgtrek's own colours are kept.
import { printable } from '../../shared/printable.ts'

/** Colours and text styles (SGR) as `style.ts` creates them. They have no other effect on a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
const painted = /(\x1b\[[\d;]*m|[\n\t])/

/** For text that may contain styled parts. */
export function harmless(text: string): string {
  const parts = text.split(painted)
  return parts.map((part, index) => (index % 2 === 1 ? part : printable(part))).join('')
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** To standard error: progress and problems. */
export function tell(text: string) {
  process.stderr.write(`${lines(text)}\n`)
}

/** The same for lines with styled parts. */
export function tellPainted(text: string) {
  process.stderr.write(`${harmless(text)}\n`)
}

/** To standard output: the result. The lines may contain styled parts. */
export function print(text: readonly string[]) {
  process.stdout.write(text.map((line) => `${harmless(line)}\n`).join(''))
}

export function printJson(value: unknown) {
  process.stdout.write(`${jsonText(value)}\n`)
}

/** JSON in which characters that a terminal would interpret are written as `\u009b`. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e]/gu, (character) =>
    printable(character) === character ? character : escaped(character),
  )
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Reports a bug of pgtrek, with its stack. */
export function tellMistake(error: unknown, about?: string) {
  tell(`${about === undefined ? '' : `${about} `}${Bun.inspect(error)}`)
}
