// The states of the receiver within the transactions of a stream.
import type { TransactionEnd } from '../stream/event.ts'
import type { Lsn } from '../stream/lsn.ts'
import type { SourceTransaction } from '../stream/transaction.ts'

export type ReceiverState =
  | { name: 'between' }
  /** Part of a transaction that the source has not committed yet. */
  | { name: 'streaming'; xid: number }
  /** Such a transaction was committed, and has to be replayed before the next event. */
  | { name: 'committed'; xid: number; end: TransactionEnd }
  | { name: 'applying'; transaction: SourceTransaction }
  | { name: 'leaving_out'; transaction: SourceTransaction; reason: LeftOut; isEcho: boolean }
  /** The transaction is after the position to stop at. Nothing of it is applied. */
  | { name: 'behind_stop' }

/** `skipped`: by a user's decision. `echo`: another origin wrote it to the source. */
export type LeftOut = 'applied_before' | 'skipped' | 'echo'

export type TransactionEvent =
  | ({ type: 'begin' } & SourceTransaction)
  | { type: 'commit' }
  | { type: 'echo' }
  | { type: 'stream_start'; xid: number }
  | { type: 'stream_stop' }
  | { type: 'stream_commit'; xid: number; end: TransactionEnd }

export interface TransactionRules {
  /** Everything that was committed before this position is on the destination. */
  position: Lsn
  stopAt: Lsn | undefined
  /** The transactions that a user decided to skip, by the position of their commit. */
  skipped: ReadonlySet<Lsn>
}

export const between: ReceiverState = { name: 'between' }

export function nextReceiverState(
  state: ReceiverState,
  event: TransactionEvent,
  rules: TransactionRules,
): ReceiverState {
  switch (event.type) {
    case 'begin':
      return stateAtBegin(event, rules)
    case 'echo':
      return asEcho(state)
    case 'stream_start':
      return { name: 'streaming', xid: event.xid }
    case 'stream_commit':
      return { name: 'committed', xid: event.xid, end: event.end }
    case 'stream_stop':
    case 'commit':
      return state.name === 'behind_stop' ? state : between
  }
}

function stateAtBegin(
  transaction: SourceTransaction,
  { position, stopAt, skipped }: TransactionRules,
): ReceiverState {
  const { finalLsn } = transaction
  if (stopAt !== undefined && finalLsn >= stopAt) return { name: 'behind_stop' }
  if (finalLsn < position)
    return { name: 'leaving_out', transaction, reason: 'applied_before', isEcho: false }
  if (skipped.has(finalLsn)) return { name: 'leaving_out', transaction, reason: 'skipped', isEcho: false }
  return { name: 'applying', transaction }
}

function asEcho(state: ReceiverState): ReceiverState {
  if (state.name === 'leaving_out') return { ...state, isEcho: true }
  if (state.name !== 'applying') return state
  return { name: 'leaving_out', transaction: state.transaction, reason: 'echo', isEcho: true }
}
