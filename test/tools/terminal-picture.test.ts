// The picture of a terminal: what is visible after the output of a program, as SVG.
import { expect, test } from 'bun:test'
import { linesOf, svgOf } from '../../tools/demo/terminal-picture.ts'

const shown = (output: string): readonly string[] =>
  linesOf(output).map((line) => line.map(({ text }) => text).join(''))

test.each([
  { name: 'plain lines', output: 'one\r\ntwo', lines: ['one', 'two'] },
  { name: 'a line that is written again', output: '10%\r20%', lines: ['20%'] },
  { name: 'lines above the cursor', output: 'a\r\nb\r\n\x1b[2AA\x1b[K\r\n', lines: ['A', 'b', ''] },
  { name: 'cleared lines', output: 'a\r\nb\r\nc\r\n\x1b[2A\x1b[J', lines: ['a', ''] },
  { name: 'modes', output: '\x1b[?25l\x1b[?2026hx\x1b[?2026l', lines: ['x'] },
])('$name', ({ output, lines }) => {
  expect(shown(output)).toEqual(lines)
})

test('what it does not know is an error, not a wrong picture', () => {
  expect(() => linesOf('\x1b[5;5H')).toThrow('unknown terminal command: 5;5H')
  expect(() => linesOf('\x1b[48m')).toThrow('unknown text style: 48')
})

test('the picture keeps columns and colours, and escapes text', () => {
  const svg = svgOf(linesOf('\x1b[32m✓\x1b[39m a < b   c'), 'title', 20)
  expect(svg).toContain('fill="#3fb950">✓</text>')
  expect(svg).toContain('x="31.6" y="59.5" textLength="39" lengthAdjust="spacingAndGlyphs">a &lt; b</text>')
  // 16 for the margin, and 10 columns of 7.8.
  expect(svg).toContain('x="94" y="59.5" textLength="7.8" lengthAdjust="spacingAndGlyphs">c</text>')
})
