// What is worth another attempt, and how long to wait for it.
import { ConnectFailed, isLost, ServerError } from '../../postgres/errors.ts'
import { SpillFailed } from '../stream/spill.ts'
import { isPassing } from './apply-failure.ts'
import { PositionBusy } from './position.ts'

const first = 250
const longest = 30_000

export class BackOff {
  #milliseconds = first

  /** Twice as long each time. */
  next(): number {
    const milliseconds = this.#milliseconds
    this.#milliseconds = Math.min(milliseconds * 2, longest)
    return milliseconds
  }

  reset() {
    this.#milliseconds = first
  }
}

/** A connection that was lost, a server that starts, a process of ours that is not quite dead, a full disk. */
export function mayPass(error: unknown): boolean {
  if (isLost(error) || error instanceof PositionBusy || error instanceof SpillFailed) return true
  if (error instanceof ConnectFailed) return error.sqlstate?.startsWith('57') === true
  return error instanceof ServerError && isPassing(error)
}
