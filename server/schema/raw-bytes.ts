// Text of a database in SQL_ASCII, where the server does not check that bytes are UTF-8. In a string, invalid bytes are
// the code units 0xDC80 to 0xDCFF, which valid text does not contain, so that they can be detected and restored.
import { isUtf8 } from 'node:buffer'

const firstUnit = 0xdc00
const raw = /[\udc80-\udcff]/

/** https://www.rfc-editor.org/rfc/rfc3629#section-4 */
export function decodeRaw(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const end = endOfLine(bytes, at)
    const line = bytes.subarray(at, end)
    text += isUtf8(line) ? line.toString('utf8') : decodeLine(line)
    at = end
  }
  return text
}

function endOfLine(bytes: Buffer, from: number): number {
  const newline = bytes.indexOf(0x0a, from)
  return newline === -1 ? bytes.length : newline + 1
}

function decodeLine(line: Buffer): string {
  let text = ''
  for (let at = 0; at < line.length; ) {
    const lead = line[at] as number
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
    const character = line.subarray(at, at + length)
    const isCharacter = character.length === length && isUtf8(character)
    text += isCharacter ? character.toString('utf8') : String.fromCharCode(firstUnit + lead)
    at += isCharacter ? length : 1
  }
  return text
}

export function hasRawBytes(text: string): boolean {
  return raw.test(text)
}

/** The first invalid byte and the text before it, for a message. */
export function describeRawByte(text: string): string {
  const at = text.search(raw)
  const byte = (text.charCodeAt(at) - firstUnit).toString(16)
  return `the byte 0x${byte} after "${text.slice(Math.max(0, at - 20), at).trimStart()}"`
}

/** As SQL for a server in SQL_ASCII, which accepts any bytes: the statement itself could not be sent. */
export function withRawBytes(statement: string): string {
  if (!hasRawBytes(statement)) return statement
  const parts = Array.from(statement, (character) => {
    const code = character.charCodeAt(0)
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - firstUnit) : Buffer.from(character, 'utf8')
  })
  const hex = Buffer.concat(parts).toString('hex')
  return `do $pgtrek$ begin execute pg_catalog.convert_from('\\x${hex}'::bytea, 'SQL_ASCII'); end $pgtrek$`
}
