// Renders terminal output with its colours as SVG.

interface Cell {
  text: string
  style: Style
}

interface Style {
  bold: boolean
  dim: boolean
  colour: keyof typeof colours | undefined
}

const colours = {
  31: '#ff7b72',
  32: '#3fb950',
  33: '#d29922',
  34: '#58a6ff',
  35: '#bc8cff',
  36: '#39c5cf',
} as const
const plain: Style = { bold: false, dim: false, colour: undefined }

const cellWidth = 7.8
const lineHeight = 18
const margin = 16
const titleHeight = 30

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's commands begin with one
const sequences = /(\x1b\[[?\d;]*[A-Za-z])/
const introducer = '\x1b['

/** The visible lines after this output. Supports the control sequences that pgtrek writes. */
export function linesOf(output: string): Cell[][] {
  const lines: Cell[][] = [[]]
  let row = 0
  let column = 0
  let style = plain
  for (const part of output.split(sequences)) {
    if (part.startsWith(introducer)) control(part.slice(introducer.length))
    else for (const character of part) put(character)
  }
  return lines

  function control(command: string) {
    const line = lines[row] ?? []
    if (command.endsWith('m')) style = command.slice(0, -1).split(';').map(Number).reduce(styled, style)
    else if (command === 'K') line.length = Math.min(line.length, column)
    else if (command === 'J') {
      line.length = Math.min(line.length, column)
      lines.length = row + 1
    } else if (/^\d+A$/.test(command)) row = Math.max(0, row - Number.parseInt(command, 10))
    else if (!/^\?\d+[hl]$/.test(command)) throw new Error(`unknown terminal command: ${command}`)
  }

  function put(character: string) {
    if (character === '\r') column = 0
    else if (character === '\n') {
      row++
      column = 0
      lines[row] ??= []
    } else {
      const line = lines[row] ?? []
      while (line.length < column) line.push({ text: ' ', style: plain })
      line[column++] = { text: character, style }
    }
  }
}

function styled(style: Style, code: number): Style {
  if (code === 0) return plain
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 22) return { ...style, bold: false, dim: false }
  if (code === 39) return { ...style, colour: undefined }
  if (code in colours) return { ...style, colour: code as keyof typeof colours }
  throw new Error(`unknown text style: ${code}`)
}

export function svgOf(lines: Cell[][], title: string, columns: number): string {
  const width = Math.ceil(columns * cellWidth + 2 * margin)
  const height = titleHeight + lines.length * lineHeight + 2 * margin
  const rows = lines.map((line, row) => {
    const y = titleHeight + margin + (row + 0.75) * lineHeight
    return runsOf(line)
      .map((run) => textOf(run, y))
      .join('')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g fill="#484f58"><circle cx="20" cy="16" r="5"/><circle cx="38" cy="16" r="5"/><circle cx="56" cy="16" r="5"/></g>
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13" fill="#e6edf3">
${rows.filter((row) => row !== '').join('\n')}
</g>
</svg>
`
}

interface Run {
  text: string
  column: number
  style: Style
}

/** Adjacent cells of one style. SVG collapses spaces, so that two of them end a run. */
function runsOf(line: Cell[]): Run[] {
  const runs: Run[] = []
  for (const [column, { text, style }] of line.entries()) {
    const last = runs.at(-1)
    if (last && JSON.stringify(last.style) === JSON.stringify(style)) last.text += text
    else runs.push({ text, column, style })
  }
  return runs.flatMap(({ text, column, style }) =>
    [...text.matchAll(/\S+(?: \S+)*/g)].map((words) => ({
      text: words[0],
      column: column + words.index,
      style,
    })),
  )
}

/** `textLength` keeps the columns aligned with any font. */
function textOf({ text, column, style }: Run, y: number): string {
  const attributes = [
    `x="${round(margin + column * cellWidth)}" y="${round(y)}"`,
    `textLength="${round(text.length * cellWidth)}" lengthAdjust="spacingAndGlyphs"`,
    ...(style.bold ? ['font-weight="bold"'] : []),
    ...(style.dim ? ['opacity="0.6"'] : []),
    ...(style.colour ? [`fill="${colours[style.colour]}"`] : []),
  ]
  return `<text ${attributes.join(' ')}>${escaped(text)}</text>`
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
