import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { CopyFrameWalker } from '../../server/postgres/copy-frames.ts'
import { backend, message } from '../../server/postgres/messages.ts'

test('rows are passed on unchanged and other messages diverted, for any division into chunks', () => {
  fc.assert(
    fc.property(streams, cuts, (stream, cut) => {
      const { passed, diverted, walker } = walk(
        stream.map(({ type, body }) => message(type, body)),
        cut,
      )
      const end = stream.findIndex(({ type }) => type === backend.copyDone)
      const isPassed = (type: number, index: number) =>
        (type === backend.copyData || type === backend.copyDone) && (end < 0 || index <= end)
      const bytesOf = (wanted: boolean) =>
        Buffer.concat(
          stream
            .filter(({ type }, index) => isPassed(type, index) === wanted)
            .map(({ type, body }) => message(type, body)),
        )
      expect(passed.equals(bytesOf(true))).toBe(true)
      expect(diverted.equals(bytesOf(false))).toBe(true)
      const rows = stream.filter(({ type }) => type === backend.copyData)
      expect(walker.frames).toBe(rows.length)
      expect(walker.bytes).toBe(rows.reduce((sum, { body }) => sum + body.length, 0))
      expect(walker.done).toBe(end >= 0)
    }),
    { numRuns: 1000 },
  )
})

test('a row larger than any chunk is one row', () => {
  const body = Buffer.alloc(5_000_000, 'x')
  const frames = [message(backend.copyData, body), message(backend.copyDone, Buffer.alloc(0))]
  const { passed, walker } = walk(frames, [512 * 1024])
  expect(walker.frames).toBe(1)
  expect(walker.bytes).toBe(body.length)
  expect(passed.length).toBe(body.length + 10)
})

test('a chunk of complete rows is passed on without a copy', () => {
  const chunk = Buffer.concat([1, 2, 3].map(() => message(backend.copyData, Buffer.from('a\tb\n'))))
  const passed: Buffer[] = []
  new CopyFrameWalker({ pass: (bytes) => passed.push(bytes), divert: () => {} }).feed(chunk)
  expect(passed.length).toBe(1)
  expect(passed[0]?.buffer).toBe(chunk.buffer)
})

function walk(frames: Buffer[], cut: number[]) {
  const passed: Buffer[] = []
  const diverted: Buffer[] = []
  const walker = new CopyFrameWalker({
    pass: (bytes) => passed.push(Buffer.from(bytes)),
    divert: (bytes) => diverted.push(Buffer.from(bytes)),
  })
  for (const chunk of chunked(Buffer.concat(frames), cut)) walker.feed(chunk)
  return { passed: Buffer.concat(passed), diverted: Buffer.concat(diverted), walker }
}

function* chunked(bytes: Buffer, cut: number[]) {
  let position = 0
  for (let turn = 0; position < bytes.length; turn++) {
    const size = cut[turn % cut.length] as number
    yield bytes.subarray(position, position + size)
    position += size
  }
}

// Mostly a few bytes, so that headers are split at every place. Some chunks may be empty, but not all.
const cuts = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 8, max: 3000 })), { maxLength: 6 })
  .chain((list) => fc.integer({ min: 1, max: 20 }).map((last) => [...list, last]))

// Bytes that look like headers themselves.
const body = fc
  .oneof(
    { weight: 4, arbitrary: fc.uint8Array({ maxLength: 12 }) },
    { weight: 2, arbitrary: fc.uint8Array({ minLength: 200, maxLength: 2000 }) },
    { weight: 1, arbitrary: fc.constant(Uint8Array.from(message(backend.copyDone, Buffer.alloc(0)))) },
  )
  .map((bytes) => Buffer.from(bytes))
const row = fc.record({ type: fc.constant<number>(backend.copyData), body })
const remark = fc.record({
  type: fc.constantFrom<number>(backend.noticeResponse, backend.parameterStatus),
  body,
})
const exactly = (type: number, bytes: string) => ({ type, body: Buffer.from(bytes) })
const completed = [
  exactly(backend.copyDone, ''),
  exactly(backend.commandComplete, 'COPY 3\0'),
  exactly(backend.readyForQuery, 'I'),
]
const failed = [
  exactly(backend.errorResponse, 'SERROR\0C57014\0Mcanceling statement\0\0'),
  exactly(backend.readyForQuery, 'E'),
]
const streams = fc
  .tuple(
    fc.array(fc.oneof({ weight: 5, arbitrary: row }, { weight: 1, arbitrary: remark }), { maxLength: 30 }),
    fc.constantFrom(completed, failed, []),
  )
  .map(([rows, end]) => [...rows, ...end])
