// COPY from one session straight into another: the frames are passed on as they come, nothing is parsed.
import { type CopyBatches, CopyIntake } from './copy-batches.ts'
import { CopyFrameWalker } from './copy-frames.ts'
import { type Throttle, ThrottledFlow } from './copy-throttle.ts'
import { Cancelled, ProtocolViolation } from './errors.ts'
import { AnswerWatch } from './liveness.ts'
import {
  type BackendMessage,
  backend,
  copyFailMessage,
  isAside,
  MessageReader,
  messageSize,
  outOfPlace,
  parseServerError,
  queryMessage,
  rowsOfCommandTag,
} from './messages.ts'
import { AnswerLimit } from './protocol-guard.ts'
import type { Session } from './session.ts'

export interface CopyRelay {
  source: Session
  /** `COPY ... TO STDOUT`; as bytes where the session's encoding is not UTF8. */
  copyOut: string | Buffer
  destination: Session
  /** `COPY ... FROM STDIN` in the same format */
  copyIn?: string | Buffer
  binary: boolean
  /** Instead of one copy with `copyIn`: many, and something done with the rows of each. */
  batches?: CopyBatches | undefined
  throttle?: Throttle | undefined
  signal?: AbortSignal | undefined
  /** Called for every chunk; cheap bookkeeping only. */
  onProgress?: (rows: number, bytes: number) => void
}

/**
 * Resolves with the rows and bytes that both servers confirm. When it throws, sessions whose state is
 * unknown are destroyed; the caller opens new ones.
 */
export function relayCopy(relay: CopyRelay): Promise<{ rows: number; bytes: number }> {
  const { source, destination, signal } = relay
  return new Promise((resolve, reject) => {
    const sourceReader = new MessageReader()
    const destinationReader = new MessageReader()
    let walker: CopyFrameWalker | undefined
    let failure: Error | undefined
    let sourceRows: number | undefined
    const asides = new AnswerLimit(source.settings)
    const intake = new CopyIntake(relay.copyIn ?? '', relay.binary, relay.batches)
    let sourceReady = false
    let destinationReady = false
    let destinationFull = false
    /** Until the destination has said that it takes rows, nothing is asked of the source. */
    let flowing = false
    let settled = false

    const sink = {
      pass(bytes: Buffer) {
        if (failure) return
        if (destination.tap.write(bytes)) return
        destinationFull = true
        regulate()
      },
      cut() {
        if (!failure) sink.pass(intake.next())
      },
      divert(bytes: Buffer) {
        for (const message of sourceReader.feed(bytes)) fromSource(message)
      },
    }

    function regulate() {
      if (destinationFull || flow?.isBusy) source.tap.pause()
      else source.tap.resume()
    }

    function fromSource({ type, body }: BackendMessage) {
      asides.count(body.length)
      if (type === backend.errorResponse) {
        const error = parseServerError(body)
        error.side = 'source'
        fail(error)
        // The destination keeps nothing of a copy that its client declares failed.
        if (flowing && !destinationReady)
          destination.tap.write(copyFailMessage('the source could not be read'))
      } else if (type === backend.commandComplete) {
        if (!walker?.done) throw outOfPlace(type, 'in the midst of a COPY')
        sourceRows = rowsOfCommandTag(body)
      } else if (type === backend.readyForQuery) {
        if (!failure && sourceRows === undefined) throw outOfPlace(type, 'before the end of a COPY')
        sourceReady = true
        settle()
      } else if (!isAside(type)) throw outOfPlace(type, 'in the midst of a COPY')
    }

    /** Notices and CopyOutResponse, with the first rows right behind it; or an error instead. */
    let early: Buffer = Buffer.alloc(0)
    function beforeRows(chunk: Buffer) {
      early = early.length ? Buffer.concat([early, chunk]) : chunk
      while (!walker && early.length >= 5) {
        const size = messageSize(early, 0)
        if (early.length < size) return
        const type = early[0] as number
        const body = early.subarray(5, size)
        early = early.subarray(size)
        if (type === backend.copyOutResponse) walker = new CopyFrameWalker(sink, relay.batches)
        else fromSource({ type, body })
      }
      if (walker && early.length) walker.feed(early)
    }

    function fromDestination(message: BackendMessage) {
      const { type, body } = message
      if (isAside(type)) asides.count(body.length)
      try {
        intake.hear(message)
      } catch (error) {
        return failByDestination(error as Error)
      }
      if (type === backend.errorResponse) {
        failByDestination(parseServerError(body))
      } else if (type === backend.copyInResponse) {
        if (flowing) return
        flowing = true
        source.tap.write(queryMessage(relay.copyOut))
      } else if (!isAside(type) && !ofIntake.has(type)) {
        throw outOfPlace(type, 'in the midst of a COPY')
      } else if (type === backend.readyForQuery && intake.isReady) {
        if (!failure && (intake.rows === undefined || !(walker?.done || relay.batches))) {
          throw outOfPlace(type, 'before the end of a COPY')
        }
        // Between two batches it may be ready although more rows come.
        destinationReady = failure !== undefined || walker?.done === true
        settle()
      }
    }

    function fail(error: Error) {
      failure ??= error
    }

    function failByDestination(error: Error) {
      fail(error)
      // Its cause of failing may be our CopyFail; the first error is the one to report.
      if (!flowing) sourceReady = true
      else if (!sourceReady) {
        // Reading on would take as long as the table is large.
        source.destroy()
        sourceReady = true
      }
      if (flowing && !(walker?.done && intake.isLast)) {
        // A frame may be half sent, or batches lie behind: the destination's protocol state is lost with it.
        destination.destroy()
        destinationReady = true
      } else if (intake.isReady) destinationReady = true
      settle()
    }

    function lose(session: Session, other: Session) {
      if (settled) return
      fail(session.lost())
      other.destroy()
      session.destroy()
      sourceReady = true
      destinationReady = true
      settle()
    }

    function settle() {
      if (settled || !sourceReady || !destinationReady) return
      settled = true
      watch[Symbol.dispose]()
      flow?.stop()
      source.tap.off('close', sourceClosed)
      destination.tap.off('close', destinationClosed)
      destination.tap.off('drain', drained)
      signal?.removeEventListener('abort', abort)
      source.tap.giveBack()
      destination.tap.giveBack()
      if (failure) return reject(failure)
      if (sourceRows === undefined || sourceRows !== intake.rows) {
        const counted = `the source sent ${sourceRows} rows, and the destination says that it took ${intake.rows}`
        return reject(new ProtocolViolation(counted))
      }
      resolve({ rows: sourceRows, bytes: walker?.bytes ?? 0 })
    }

    function abort() {
      fail(new Cancelled())
      // Real cancel requests, so that neither server works on; then no waiting for their answers.
      void Promise.allSettled([source.cancel(), destination.cancel()]).then(() => {
        source.destroy()
        destination.destroy()
        sourceReady = true
        destinationReady = true
        settle()
      })
    }

    const sourceClosed = () => lose(source, destination)
    const destinationClosed = () => lose(destination, source)
    const drained = () => {
      destinationFull = false
      regulate()
    }
    source.tap.on('close', sourceClosed)
    destination.tap.on('close', destinationClosed)
    destination.tap.on('drain', drained)
    signal?.addEventListener('abort', abort, { once: true })

    function receive(chunk: Buffer) {
      if (!walker) return beforeRows(chunk)
      walker.feed(chunk)
      const rows = relay.binary && walker.done ? walker.frames - 1 : walker.frames
      relay.onProgress?.(rows, walker.bytes)
    }
    const read = (chunk: Buffer) => source.tap.read(receive, chunk)
    const flow = relay.throttle && new ThrottledFlow(relay.throttle, read, regulate)
    /** Whose turn it is; while a limit of the user holds the rows back, it is ours. */
    const owing = () => {
      if (flow?.isBusy) return undefined
      return destinationFull || !flowing || sourceReady ? destination : source
    }
    const watch = new AnswerWatch(owing)
    source.tap.borrow(flow ? (chunk) => flow.push(chunk) : receive)
    destination.tap.borrow((chunk) => {
      for (const message of destinationReader.feed(chunk)) fromDestination(message)
    })
    if (signal?.aborted) return abort()
    // A connection that was lost before this copy does not report it again.
    if (source.tap.socket.destroyed) return lose(source, destination)
    if (destination.tap.socket.destroyed) return lose(destination, source)
    destination.tap.write(intake.first())
  })
}

/** Statements behind the COPY of a batch may return rows. */
const ofIntake = new Set<number>([
  backend.commandComplete,
  backend.copyInResponse,
  backend.dataRow,
  backend.emptyQueryResponse,
  backend.readyForQuery,
  backend.rowDescription,
])
