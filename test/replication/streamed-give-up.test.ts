// Applying a large transaction while it is sent is given up for counted reasons. An unforeseen error is not such a
// reason.
import { describe, expect, test } from 'bun:test'
import {
  ConnectFailed,
  ConnectionLost,
  ProtocolViolation,
  ServerError,
} from '../../server/postgres/errors.ts'
import { StatementFailed, UnexpectedCount } from '../../server/postgres/pipeline.ts'
import { NeedsCare } from '../../server/replication/apply/apply-failure.ts'
import { PositionBusy } from '../../server/replication/apply/position.ts'
import { Misfit, NeedsText, NotVisible, UnknownRelation } from '../../server/replication/apply/relations.ts'
import { StreamedApply } from '../../server/replication/apply/streamed-apply.ts'
import { describeGiveUp, reasonOf, StreamedTally } from '../../server/replication/apply/streamed-give-up.ts'
import type { StreamedGiveUpReason } from '../../shared/follow.ts'
import { within } from '../../tools/eventually.ts'

const refused = (sqlstate: string) => new ServerError({ severity: 'ERROR', sqlstate, message: 'no' })
const care = (cause: Error) => new NeedsCare('no', { cause })

const reasons: [string, unknown, StreamedGiveUpReason | undefined][] = [
  ['values in text', new NeedsText('t'), 'text_only'],
  ['a relation that is not known', new UnknownRelation(7), 'unknown_table'],
  ['one that is not visible yet', new NotVisible('t'), 'unknown_table'],
  ['a table that does not fit', new Misfit('t'), 'misfit'],
  ['a row that is missing', care(new UnexpectedCount(1, 1, 0)), 'conflict'],
  ['a constraint', care(new StatementFailed(1, refused('23505'))), 'conflict'],
  ['a table that is missing', care(new StatementFailed(1, refused('42P01'))), 'missing_table'],
  ['a lock', refused('55P03'), 'lock'],
  ['a deadlock', refused('40P01'), 'lock'],
  ['a full disk', refused('53100'), 'server_error'],
  ['a session that was ended', refused('57P01'), 'connection_lost'],
  ['a lost connection', new ConnectionLost('gone'), 'connection_lost'],
  ['a mistake', new TypeError('undefined is not an object'), undefined],
  ['a mistake of any kind', new Error('unreachable'), undefined],
  ['what makes no sense', new ProtocolViolation('a change is cut off'), undefined],
]

describe('what an error means', () => {
  for (const [name, error, reason] of reasons) test(name, () => expect(reasonOf(error)).toBe(reason))
})

test('the log names the reason and the consequence for the changes', () => {
  expect(describeGiveUp(7, 'lock', refused('55P03'))).toBe(
    'transaction 7 is no longer applied while the source sends it: it waited for a lock on the destination (no). ' +
      'Its changes are applied when the source commits it.',
  )
  expect(describeGiveUp(7, 'aborted')).toBe(
    'transaction 7 is no longer applied while the source sends it: ' +
      'the source aborted it in the stream, since it was rolled back or was committed before the stream started. ' +
      'What was applied of it early is rolled back.',
  )
})

/** A streamed apply without servers. The test decides what its session and its changes do. */
function streamed({
  open,
  take = () => undefined,
}: {
  open?: () => Promise<Helper>
  take?: () => StreamedGiveUpReason | undefined
}) {
  const tally = new StreamedTally()
  const failures: Error[] = []
  const apply = new StreamedApply<Helper>({
    main: {
      pipeline: { silentMs: 0, fail: (error) => failures.push(error) },
      options: { position: {} },
      commitAll: async () => {},
      runAlone: async () => {},
      committedElsewhere: () => {},
    },
    open: open ?? (async () => helper()),
    silenceMs: 60_000,
    changes: () => ({ take }),
    onApplied: () => tally.applied++,
    onGivenUp: (_, reason) => tally.giveUp(reason),
  })
  return { apply, tally, failures }
}

function helper() {
  return {
    mustWait: false,
    isDisposed: false,
    pipeline: { silentMs: 0, failure: undefined, fail: () => {} },
    commits: { takeConfirmed: () => [] },
    wait: async () => {},
    flush: () => {},
    quiet: async () => {},
    commit: () => {},
    commitBatch: async () => {},
    runAlone: async () => {},
    runWithin: () => {},
    [Symbol.dispose]() {
      this.isDisposed = true
    },
  }
}
type Helper = ReturnType<typeof helper>

const insert = 'I'.charCodeAt(0)
const end = { commitLsn: 1n, endLsn: 2n, time: 0 }
const bytes = Buffer.alloc(0)

async function begin(apply: StreamedApply<Helper>, xid: number) {
  apply.part(xid, true)
  await apply.wait()
}

test('applied transactions are counted, and those that are given up, by reason', async () => {
  let reason: StreamedGiveUpReason | undefined
  const { apply, tally } = streamed({ take: () => reason })
  await begin(apply, 1)
  apply.take(1, insert, bytes, 0, 0)
  expect(await apply.commit(1, end)).toEqual([])
  for (const [xid, why] of [
    [2, 'message'],
    [3, 'schema_change'],
    [4, 'message'],
  ] as const) {
    await begin(apply, xid)
    reason = why
    apply.take(xid, insert, bytes, 0, 0)
    expect(await apply.commit(xid, end)).toBeUndefined()
  }
  // After three consecutive failures it is not started.
  await begin(apply, 5)
  expect(await apply.commit(5, end)).toBeUndefined()
  apply[Symbol.dispose]()
  expect(tally.applied).toBe(1)
  expect(tally.givenUp).toEqual([
    { reason: 'message', transactions: 2 },
    { reason: 'schema_change', transactions: 1 },
  ])
})

test('a programming error in a change, in an answer or in a new session ends the run with its message', async () => {
  const mistake = new TypeError('undefined is not an object')
  const changes = streamed({
    take: () => {
      throw mistake
    },
  })
  await begin(changes.apply, 1)
  expect(() => changes.apply.take(1, insert, bytes, 0, 0)).toThrow(mistake)

  const session = { ...helper(), quiet: () => Promise.reject(mistake) }
  const answers = streamed({ open: async () => session })
  await begin(answers.apply, 1)
  expect(answers.apply.commit(1, end)).rejects.toBe(mistake)

  const opening = streamed({ open: () => Promise.reject(mistake) })
  expect(begin(opening.apply, 1)).rejects.toBe(mistake)
  for (const { apply, tally } of [changes, answers, opening]) {
    apply[Symbol.dispose]()
    expect(tally.givenUp.filter(({ reason }) => reason !== 'stream_ended')).toEqual([])
  }
})

test('without a second session it is given up once, and not started again', async () => {
  for (const error of [new ConnectFailed('limit', 'too many'), new PositionBusy('busy')]) {
    let opened = 0
    const { apply, tally } = streamed({
      open: () => {
        opened++
        return Promise.reject(error)
      },
    })
    await begin(apply, 1)
    await begin(apply, 2)
    expect(opened).toBe(1)
    expect(tally.givenUp).toEqual([{ reason: 'no_session', transactions: 1 }])
    apply[Symbol.dispose]()
  }
})

test('a session that is opened too late is closed, and a programming error after it is not lost', async () => {
  const late = Promise.withResolvers<Helper>()
  const slow = streamed({ open: () => late.promise })
  await within('the stream to go on without the session', begin(slow.apply, 1))
  expect(slow.tally.givenUp).toEqual([{ reason: 'no_session', transactions: 1 }])
  const mistake = new TypeError('undefined is not an object')
  late.reject(mistake)
  await late.promise.catch(() => {})
  expect(slow.failures).toEqual([mistake])
  slow.apply[Symbol.dispose]()
})
