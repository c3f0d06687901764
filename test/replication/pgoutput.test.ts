// Messages are decoded correctly for any division into chunks.
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { message } from '../../server/postgres/messages.ts'
import { WholeMessages } from '../../server/postgres/whole-messages.ts'
import type { ChangeEvent } from '../../server/replication/stream/event.ts'
import { PgoutputDecoder } from '../../server/replication/stream/pgoutput.ts'
import type { Tuple } from '../../server/replication/stream/tuple.ts'

/** One line for an event, which is valid only until the next one. */
function show(event: ChangeEvent): string {
  const values = (row: Tuple) => Array.from({ length: row.count }, (_, column) => row.show(column))
  const shown = (): unknown[] => {
    switch (event.type) {
      case 'insert':
        return [event.relation, values(event.row)]
      case 'update':
        return [
          event.relation,
          event.old ?? 'none',
          event.old ? values(event.oldRow) : null,
          values(event.row),
        ]
      case 'delete':
        return [event.relation, event.old, values(event.oldRow)]
      case 'streamed':
        return [event.xid, event.message]
      case 'message':
        return [event.transactional, event.lsn, event.prefix, Buffer.from(event.content).toString()]
      default: {
        const { type: _, ...fields } = event
        return Object.values(fields)
      }
    }
  }
  return JSON.stringify([event.type, ...shown()], (_, inner) =>
    typeof inner === 'bigint' ? String(inner) : inner,
  )
}

const int16 = (value: number) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
const text = (value: string) => Buffer.from(`${value}\0`)
const of = (...parts: (string | Buffer | number)[]) =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part) : typeof part === 'number' ? Buffer.from([part]) : part,
    ),
  )
const tuple = (...values: (string | null | undefined)[]) =>
  of(
    int16(values.length),
    ...values.map((value) =>
      value === null
        ? Buffer.from('n')
        : value === undefined
          ? Buffer.from('u')
          : of('t', int32(Buffer.byteLength(value)), value),
    ),
  )

const samples: [string, Buffer, string][] = [
  ['begin', of('B', int64(16n), int64(5n), int32(7)), '["begin","16",5,7]'],
  [
    'commit',
    of('C', 0, int64(16n), int64(24n), int64(9n)),
    '["commit",{"commitLsn":"16","endLsn":"24","time":9}]',
  ],
  ['origin', of('O', int64(3n), text('pgtrek_x')), '["origin","3","pgtrek_x"]'],
  [
    'relation',
    of(
      'R',
      int32(42),
      text('public'),
      text('t'),
      'd',
      int16(2),
      1,
      text('id'),
      int32(23),
      int32(-1),
      0,
      text('v'),
      int32(25),
      int32(-1),
    ),
    '["relation",{"id":42,"schema":"public","name":"t","identity":"d","columns":[{"key":true,"name":"id","type":23,"modifier":-1},{"key":false,"name":"v","type":25,"modifier":-1}]}]',
  ],
  ['type', of('Y', int32(50), text(''), text('mood')), '["type",50,"pg_catalog","mood"]'],
  ['insert', of('I', int32(42), 'N', tuple('1', 'a')), '["insert",42,["1","a"]]'],
  ['update', of('U', int32(42), 'N', tuple('1', undefined)), '["update",42,"none",null,["1","(unchanged)"]]'],
  [
    'update of a key',
    of('U', int32(42), 'K', tuple('1', null), 'N', tuple('2', 'ü')),
    '["update",42,"key",["1",null],["2","ü"]]',
  ],
  [
    'update of a whole row',
    of('U', int32(42), 'O', tuple('1', null), 'N', tuple('2', '')),
    '["update",42,"full",["1",null],["2",""]]',
  ],
  ['delete', of('D', int32(42), 'K', tuple('1', null)), '["delete",42,"key",["1",null]]'],
  ['truncate', of('T', int32(2), 3, int32(42), int32(43)), '["truncate",[42,43],true,true]'],
  ['message', of('M', 1, int64(9n), text('prefix'), int32(2), 'hi'), '["message",true,"9","prefix","hi"]'],
  ['abort', of('A', int32(8), int32(9)), '["stream_abort",8,9]'],
  [
    'prepare',
    of('P', 0, int64(1n), int64(2n), int64(3n), int32(4), text('gid')),
    '["prepare",{"prepareLsn":"1","endLsn":"2","time":3,"xid":4,"gid":"gid"}]',
  ],
  [
    'commit prepared',
    of('K', 0, int64(1n), int64(2n), int64(3n), int32(4), text('gid')),
    '["commit_prepared",4,{"commitLsn":"1","endLsn":"2","time":3},"gid"]',
  ],
]

describe('each kind of message', () => {
  for (const [name, bytes, expected] of samples) {
    test(name, () => {
      expect(show(new PgoutputDecoder().read(bytes, 0, bytes.length))).toEqual(expected)
    })
  }

  test('in a part of a large transaction, with the subtransaction of the change', () => {
    const decoder = new PgoutputDecoder()
    const messages = [
      of('S', int32(8), 1),
      of('I', int32(9), int32(42), 'N', tuple('1')),
      of('E'),
      of('c', int32(8), 0, int64(1n), int64(2n), int64(3n)),
    ]
    expect(messages.map((bytes) => show(decoder.read(bytes, 0, bytes.length)))).toEqual([
      '["stream_start",8,true]',
      '["streamed",9,73]',
      '["stream_stop"]',
      '["stream_commit",8,{"commitLsn":"1","endLsn":"2","time":3}]',
    ])
  })

  test('a truncated message is refused', () => {
    const bytes = of('R', int32(42), text('public'))
    expect(() => new PgoutputDecoder().read(bytes, 0, bytes.length)).toThrow()
  })
})

test('any messages in any chunks', () => {
  const choice = fc.array(fc.constantFrom(...samples), { minLength: 1, maxLength: 30 })
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(choice, cuts, (chosen, lengths) => {
      const wire = Buffer.concat(chosen.map(([, bytes]) => message(0x64, bytes)))
      const lines: string[] = []
      const decoder = new PgoutputDecoder()
      const whole = new WholeMessages()
      for (let at = 0, turn = 0; at < wire.length; turn++) {
        const length = lengths[turn % lengths.length] ?? 1
        const bytes = whole.feed(wire.subarray(at, at + length))
        at += length
        for (let start = 0; start < bytes.length; ) {
          const next = start + bytes.readUInt32BE(start + 1) + 1
          lines.push(show(decoder.read(bytes, start + 5, next)))
          start = next
        }
      }
      expect(lines).toEqual(chosen.map(([, , expected]) => expected))
    }),
  )
})
