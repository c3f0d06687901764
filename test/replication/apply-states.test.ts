// Which transactions of the stream are applied, and which are left out, as tables of cases.
import { describe, expect, test } from 'bun:test'
import { type LoopInput, type LoopState, nextLoopState } from '../../server/replication/apply/apply-loop.ts'
import { type Command, Control, type Intent, nextIntent } from '../../server/replication/apply/control.ts'
import {
  between,
  nextReceiverState,
  type ReceiverState,
  type TransactionEvent,
  type TransactionRules,
} from '../../server/replication/apply/receiver-state.ts'

const transaction = (finalLsn: bigint) => ({ type: 'begin' as const, xid: 7, finalLsn, time: 0 })
const begin = (finalLsn: bigint): TransactionEvent => transaction(finalLsn)
const end = { commitLsn: 100n, endLsn: 110n, time: 0 }
const rules: TransactionRules = { position: 50n, stopAt: undefined, skipped: new Set([70n]) }
const leftOut = (
  finalLsn: bigint,
  reason: 'applied_before' | 'skipped' | 'echo',
  isEcho = false,
): ReceiverState => ({ name: 'leaving_out', transaction: transaction(finalLsn), reason, isEcho })
const applying: ReceiverState = { name: 'applying', transaction: transaction(60n) }
const behindStop: ReceiverState = { name: 'behind_stop' }

const transactions: [string, ReceiverState, TransactionEvent, ReceiverState, Partial<TransactionRules>?][] = [
  ['a new transaction', between, begin(60n), applying],
  ['one at the position itself', between, begin(50n), { name: 'applying', transaction: transaction(50n) }],
  ['one from before the position', between, begin(49n), leftOut(49n, 'applied_before')],
  ['one that a user skips', between, begin(70n), leftOut(70n, 'skipped')],
  ['one ahead of the position to stop at', between, begin(60n), applying, { stopAt: 61n }],
  ['one at the position to stop at', between, begin(60n), behindStop, { stopAt: 60n }],
  ['one behind it, which a user skips', between, begin(70n), behindStop, { stopAt: 60n }],
  ['an echo', applying, { type: 'echo' }, leftOut(60n, 'echo', true)],
  ['an echo that a user skips', leftOut(70n, 'skipped'), { type: 'echo' }, leftOut(70n, 'skipped', true)],
  [
    'an echo from before the position',
    leftOut(49n, 'applied_before'),
    { type: 'echo' },
    leftOut(49n, 'applied_before', true),
  ],
  ['a commit', applying, { type: 'commit' }, between],
  ['the commit of one that is left out', leftOut(70n, 'skipped'), { type: 'commit' }, between],
  ['nothing more is applied behind the stop', behindStop, { type: 'commit' }, behindStop],
  ['a part of a large one', between, { type: 'stream_start', xid: 9 }, { name: 'streaming', xid: 9 }],
  ['the end of the part', { name: 'streaming', xid: 9 }, { type: 'stream_stop' }, between],
  ['its commit', between, { type: 'stream_commit', xid: 9, end }, { name: 'committed', xid: 9, end }],
  ['its replay', { name: 'committed', xid: 9, end }, begin(60n), applying],
]

describe('the state of a transaction', () => {
  for (const [name, state, event, expected, other] of transactions) {
    test(name, () => expect(nextReceiverState(state, event, { ...rules, ...other })).toEqual(expected))
  }
})

const run: Intent = { name: 'run', stopAt: undefined }
const intents: [string, Intent, Command, Intent][] = [
  ['a pause', run, 'pause', { name: 'pause', stopAt: undefined }],
  ['its end', { name: 'pause', stopAt: undefined }, 'resume', run],
  ['a position to stop at', run, { stopAt: 5n }, { name: 'run', stopAt: 5n }],
  ['it ends a pause', { name: 'pause', stopAt: undefined }, { stopAt: 5n }, { name: 'run', stopAt: 5n }],
  ['a pause ahead of it', { name: 'run', stopAt: 5n }, 'pause', { name: 'pause', stopAt: 5n }],
  ['it outlasts the pause', { name: 'pause', stopAt: 5n }, 'resume', { name: 'run', stopAt: 5n }],
  ['a stop', { name: 'run', stopAt: 5n }, 'stop', { name: 'stop', stopAt: 5n }],
  [
    'a stop is final: resume',
    { name: 'stop', stopAt: undefined },
    'resume',
    { name: 'stop', stopAt: undefined },
  ],
  [
    'a stop is final: pause',
    { name: 'stop', stopAt: undefined },
    'pause',
    { name: 'stop', stopAt: undefined },
  ],
  [
    'a stop is final: a position',
    { name: 'stop', stopAt: undefined },
    { stopAt: 5n },
    { name: 'stop', stopAt: 5n },
  ],
]

describe('requests of users', () => {
  for (const [name, intent, command, expected] of intents) {
    test(name, () => expect(nextIntent(intent, command)).toEqual(expected))
  }
})

const nothing: LoopInput = { interruption: undefined, hasEvents: false, isCommittable: false, mayRest: false }
const steps: [string, LoopState, Partial<LoopInput>, LoopState][] = [
  ['more events', 'reading', { hasEvents: true }, 'reading'],
  ['more events, and something to commit', 'reading', { hasEvents: true, isCommittable: true }, 'reading'],
  ['no more events, and something to commit', 'reading', { isCommittable: true }, 'lingering'],
  ['nothing at all', 'reading', {}, 'idle'],
  ['events while it lingered', 'lingering', { hasEvents: true, isCommittable: true }, 'reading'],
  ['it has committed', 'lingering', {}, 'idle'],
  ['it does not linger twice', 'lingering', { isCommittable: true }, 'idle'],
  ['the rest is committed while idle', 'idle', { isCommittable: true }, 'idle'],
  ['an event ends idleness', 'idle', { hasEvents: true }, 'reading'],
  ['a pause goes ahead of events', 'reading', { interruption: 'pause', hasEvents: true }, 'paused'],
  ['the end of a pause', 'paused', { hasEvents: true }, 'reading'],
  ['the end of a pause without events', 'paused', {}, 'idle'],
  ['a stop while paused', 'paused', { interruption: 'stop', hasEvents: true }, 'stopped'],
  [
    'work that must see nothing on its way goes ahead of events',
    'reading',
    { mayRest: true, hasEvents: true },
    'resting',
  ],
  ['a stop goes ahead of such work', 'idle', { interruption: 'stop', mayRest: true }, 'stopped'],
  ['events after such work', 'resting', { hasEvents: true }, 'reading'],
  ['the end of care', 'reading', { interruption: 'restart', hasEvents: true }, 'restarting'],
]

describe('the next state of the apply loop', () => {
  for (const [name, state, outlook, expected] of steps) {
    test(name, () => expect(nextLoopState(state, { ...nothing, ...outlook })).toBe(expected))
  }
})

describe('work that must see nothing on its way', () => {
  test('runs when the loop rests, which waits for its end', async () => {
    const control = new Control()
    const said: string[] = []
    const work = control.whileAtRest(async () => {
      said.push('work')
      await Promise.resolve()
      said.push('done')
    })
    expect(control.hasTurns).toBe(true)
    expect(said).toEqual([])
    await control.takeTurns()
    said.push('on')
    await work
    expect(said).toEqual(['work', 'done', 'on'])
    expect(control.hasTurns).toBe(false)
  })

  test('does not stop the loop when it fails', async () => {
    const control = new Control()
    const work = control.whileAtRest(() => Promise.reject(new Error('no connection')))
    const failed = expect(work).rejects.toThrow('no connection')
    await control.takeTurns()
    await failed
    expect(control.hasTurns).toBe(false)
  })
})
