// Runs pg_dump inside the process, over a session of ours. No client tools, no version mismatch.

import { Cancelled, PgtrekError } from '../postgres/errors.ts'
import type { Session } from '../postgres/session.ts'
import { Tunnel } from '../postgres/tunnel.ts'
import { collectAbove } from '../system/collect-garbage.ts'
import { settledWithin } from '../system/deadline.ts'
import { endOf } from '../system/worker-end.ts'
import { workerUrl } from '../system/worker-url.ts'
import type { DumpJob, DumpMessage } from './dump.worker.ts'
import { decodeRaw } from './raw-bytes.ts'

/** pg_dump gave up; the message is what it printed. */
export class DumpFailed extends PgtrekError {}

/** Since then pg_dump does not look into a sequence that it may not read. */
export const dumpsUnreadableSequencesSince = 18

const firstAnswerBytes = 1 << 20
const largestAnswerBytes = 1 << 30
/** Cutting it takes as much memory as should be free before. */
const longScript = 1 << 20
const longestGoodbyeMs = 1000

/** Started ahead, it is ready for pg_dump when the session is. */
export class DumpThread implements Disposable {
  readonly worker = new Worker(workerUrl('schema/dump.worker.ts'))
  readonly ended = endOf(this.worker)

  /** Its memory is free again: of many tables more than the script takes. */
  async end(): Promise<void> {
    this.worker.terminate()
    await settledWithin(this.ended, longestGoodbyeMs)
  }

  [Symbol.dispose]() {
    this.worker.terminate()
  }
}

/**
 * The text that `pg_dump` with these arguments writes. The session is left in pg_dump's transaction, the
 * thread is used up.
 */
export async function pgDump(
  session: Session,
  args: string[],
  signal?: AbortSignal,
  started?: DumpThread,
): Promise<string> {
  signal?.throwIfAborted()
  const control = new SharedArrayBuffer(8)
  const answer = new SharedArrayBuffer(firstAnswerBytes, { maxByteLength: largestAnswerBytes })
  const state = new Int32Array(control)
  const bytes = new Uint8Array(answer)
  using thread = started ?? new DumpThread()
  const { worker } = thread
  using tunnel = new Tunnel(session)
  const result = Promise.withResolvers<void>()
  let length = 0
  const pieces: string[] = []
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const isUnchecked = session.tap.parameters.get('server_encoding') === 'SQL_ASCII'
  const unchecked: Uint8Array[] = []

  const abort = () => {
    void session.cancel().catch(() => session.destroy())
    result.reject(new Cancelled())
  }
  signal?.addEventListener('abort', abort, { once: true })
  void thread.ended.then((cause) => result.reject(new DumpFailed(`pg_dump crashed: ${cause}`)))
  worker.onmessage = async ({ data }: MessageEvent<DumpMessage>) => {
    if ('script' in data) {
      length += data.script.length
      if (isUnchecked) return unchecked.push(data.script)
      return pieces.push(decoder.decode(data.script, { stream: true }))
    }
    if ('done' in data) return result.resolve()
    if ('failed' in data) return result.reject(new DumpFailed(readable(data.failed)))
    try {
      const received = await tunnel.exchange(Buffer.from(data.write))
      if (received.length > answer.byteLength) answer.grow(received.length)
      bytes.set(received)
      state[1] = received.length
      Atomics.store(state, 0, 1)
      Atomics.notify(state, 0)
    } catch (error) {
      result.reject(error)
    }
  }
  const job: DumpJob = { control, answer, arguments: ['-d', 'postgres', ...args] }
  worker.postMessage(job)
  try {
    await result.promise
    await thread.end()
    collectAbove(longScript, length)
    if (isUnchecked) return decodeRaw(Buffer.concat(unchecked.splice(0)))
    return pieces.splice(0).join('') + decoder.decode()
  } finally {
    signal?.removeEventListener('abort', abort)
    // Who has started the thread may keep it: what it was given goes.
    worker.onmessage = null
  }
}

/**
 * Of everything that pg_dump said (it says what it reads, one line run into the next) only the errors. It calls
 * itself by the name of whatever file it was started from.
 */
function readable(text: string): string {
  const [, program = 'pg_dump'] =
    /([\w.-]+): error: /.exec(text.slice(text.lastIndexOf(': executing '))) ?? []
  const names = ['pg_dump', 'dump.worker.ts', program].map((name) => name.replaceAll('.', '\\.')).join('|')
  const errors = text.match(new RegExp(`(?:${names}): (?:error|detail|hint): .*?(?=(?:${names}): |$)`, 'gs'))
  return errors ? errors.map((line) => line.replace(/^[^ ]+: (error: )?/, '').trim()).join(' ') : text
}
