// Reads the beginning of a COPY ... TO STDOUT and cancels the rest: how fast a server sends rows.
import { ConnectionLost, type ServerError, sqlstate } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import { backend, MessageReader, parseServerError, queryMessage } from './messages.ts'
import type { Session } from './session.ts'

export interface CopySample {
  rows: number
  /** Of the rows, without the protocol's frames. */
  bytes: number
  seconds: number
  /** All rows were read. */
  complete: boolean
}

export interface SampleLimits {
  milliseconds: number
  bytes: number
}

const cancelPatienceMs = 5000

/** Afterwards the session's transaction has failed, unless the sample is complete. */
export async function sampleCopy(
  session: Session,
  copyOut: string,
  limits: SampleLimits,
): Promise<CopySample> {
  const reader = new MessageReader()
  const over = Promise.withResolvers<void>()
  let [rows, bytes, seconds] = [0, 0, 0]
  let complete = false
  let isEnough = false
  let failure: ServerError | undefined
  let late: NodeJS.Timeout | undefined
  const started = performance.now()
  const stop = () => {
    if (isEnough) return
    isEnough = true
    seconds = (performance.now() - started) / 1000
    // A server that does not obey in time is left: the connection is cut, which ends its work too.
    late = setTimeout(() => session.destroy(), cancelPatienceMs)
    session.cancel().catch(() => session.destroy())
  }
  const closed = () => over.reject(new ConnectionLost('the connection was lost while a sample was read'))
  session.tap.on('close', closed)
  const timer = setTimeout(stop, limits.milliseconds)
  session.tap.borrow((chunk) => {
    for (const { type, body } of reader.feed(chunk)) {
      if (type === backend.copyData && !isEnough) {
        rows++
        bytes += body.length
      } else if (type === backend.errorResponse) failure = parseServerError(body)
      else if (type === backend.commandComplete) {
        complete = !isEnough
        if (complete) seconds = (performance.now() - started) / 1000
      } else if (type === backend.readyForQuery) over.resolve()
    }
    if (bytes >= limits.bytes) stop()
  })
  using _ = new AnswerWatch(() => session)
  try {
    session.tap.write(queryMessage(copyOut))
    await over.promise
  } finally {
    clearTimeout(timer)
    clearTimeout(late)
    session.tap.off('close', closed)
    session.tap.giveBack()
  }
  if (failure && !(isEnough && failure.sqlstate === sqlstate.queryCanceled)) throw failure
  return { rows, bytes, seconds, complete }
}
