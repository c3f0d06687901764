import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  backend,
  cancelRequest,
  MessageReader,
  message,
  parseServerError,
  queryMessage,
  rowsOfCommandTag,
} from '../../server/postgres/messages.ts'

test('messages are read completely and in order, for any division into chunks', () => {
  const messages = fc.array(
    fc.record({ type: fc.integer({ min: 1, max: 255 }), body: fc.uint8Array({ maxLength: 300 }) }),
  )
  const sizes = fc.array(fc.nat({ max: 40 }), { maxLength: 5 })
  fc.assert(
    fc.property(messages, sizes, (sent, sizes) => {
      const bytes = Buffer.concat(sent.map(({ type, body }) => message(type, body)))
      const reader = new MessageReader()
      const received: { type: number; body: Uint8Array }[] = []
      let position = 0
      for (let turn = 0; position < bytes.length; turn++) {
        const size = sizes[turn] ?? 1 + (turn % 13)
        for (const { type, body } of reader.feed(bytes.subarray(position, position + size))) {
          received.push({ type, body: Uint8Array.from(body) })
        }
        position += size
      }
      expect(received).toEqual(sent)
    }),
    { numRuns: 500 },
  )
})

test('a huge message in many chunks is joined once', () => {
  const body = Buffer.alloc(50_000_000, 'x')
  const bytes = message(backend.copyData, body)
  const reader = new MessageReader()
  let length = 0
  for (let position = 0; position < bytes.length; position += 8192) {
    for (const one of reader.feed(bytes.subarray(position, position + 8192))) length += one.body.length
  }
  expect(length).toBe(body.length)
})

describe('errors of the server', () => {
  test('keep all fields about place and cause', () => {
    const fields = 'SFEHLER\0VERROR\0C23505\0Mdouble\0DKey (a)=(1)\0Hno\0Wline 1\0ss\0tt\0ca\0nt_pkey\0\0'
    expect(parseServerError(Buffer.from(fields))).toMatchObject({
      severity: 'ERROR',
      sqlstate: '23505',
      message: 'double',
      detail: 'Key (a)=(1)',
      hint: 'no',
      context: 'line 1',
      schema: 's',
      table: 't',
      column: 'a',
      constraint: 't_pkey',
    })
  })

  test('are read also when their bytes are malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(parseServerError(Buffer.from(bytes)).sqlstate).toBeString()
      }),
    )
  })
})

test('the number of rows is the last word of a command tag', () => {
  expect(rowsOfCommandTag(Buffer.from('COPY 42\0'))).toBe(42)
  expect(rowsOfCommandTag(Buffer.from('INSERT 0 7\0'))).toBe(7)
})

test('a query is sent as UTF-8 with its length in bytes', () => {
  expect([...queryMessage('ä')]).toEqual([0x51, 0, 0, 0, 7, 0xc3, 0xa4, 0])
})

test('a cancel request carries the process and its secret, also as negative numbers', () => {
  const bytes = cancelRequest(1234, -5)
  expect([0, 4, 8, 12].map((position) => bytes.readInt32BE(position))).toEqual([16, 80877102, 1234, -5])
})
