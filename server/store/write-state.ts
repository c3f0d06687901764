// Whether a local file can be written. The state database and the log file of a run have the same states. A run does
// not fail with them, and each change of state is reported once.
import type { StorageFailure } from '../../shared/storage-failure.ts'

export type WriteState = { at: 'writing' } | ({ at: 'failing' } & StorageFailure)

export type WriteEvent =
  /** A write, or another attempt, has failed. */
  | { type: 'failed'; now: number; reason: string }
  /** Writes that are not on the disk. */
  | { type: 'missed'; count: number }
  /** The file can be written again. */
  | { type: 'written' }

export const writing: WriteState = { at: 'writing' }

export function next(state: WriteState, event: WriteEvent): WriteState {
  switch (event.type) {
    case 'failed':
      return state.at === 'failing'
        ? { ...state, reason: event.reason }
        : { at: 'failing', since: event.now, reason: event.reason, missed: 0 }
    case 'missed':
      return state.at === 'failing' ? { ...state, missed: event.count } : state
    case 'written':
      return writing
  }
}

/** For views. */
export function failureOf(state: WriteState): StorageFailure | undefined {
  if (state.at === 'writing') return undefined
  const { at: _, ...failure } = state
  return failure
}
