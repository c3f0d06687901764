// The pages for users, and the parts of them that tests compare with the program.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')
const atTheTop = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']

export const pageNames = [
  ...atTheTop,
  ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md'),
]

export function readPage(name: string): string {
  return readFileSync(join(root, atTheTop.includes(name) ? name : `docs/${name}`), 'utf8')
}

/** The rows of all tables below a heading, as cells; without the line below the head. */
export function rowsBelow(page: string, heading: string): string[][] {
  const lines = readPage(page).split('\n')
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  if (start < 0) throw new Error(`${page} has no heading ${JSON.stringify(heading)}`)
  const end = lines.findIndex((line, index) => index > start && /^#+ /.test(line))
  const section = lines.slice(start + 1, end < 0 ? undefined : end)
  return section.filter((line) => /^\|(?! ?-)/.test(line)).map(cellsOf)
}

function cellsOf(line: string): string[] {
  return line
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())
}

/** Without the marks of Markdown, to compare with a text of the program. */
export function plain(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('\\|', '|')
    .replace(/[`*]/g, '')
    .trim()
}

/** The lines of all blocks of code; a line that ends in a backslash goes on in the next one. */
export function linesOfCode(page: string): string[] {
  const blocks = [...readPage(page).matchAll(/^```.*?\n(.*?)^```$/gms)].map(([, code = '']) => code)
  return blocks.flatMap((code) => code.replace(/\\\n\s*/g, '').split('\n'))
}

/** The anchors of all headings, as GitHub makes them. */
export function headingsOf(page: string): string[] {
  const headings = readPage(page)
    .replace(/^```.*?^```$/gms, '')
    .match(/^#+ .*$/gm)
  return (headings ?? []).map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
}
