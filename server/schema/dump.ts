// Runs pg_dump inside the process, over a pgtrek session: no client tools are needed, and versions cannot differ.

import { Cancelled, PgtrekError } from '../postgres/errors.ts'
import type { Session } from '../postgres/session.ts'
import { Tunnel } from '../postgres/tunnel.ts'
import { collectAbove } from '../system/collect-garbage.ts'
import { settledWithin } from '../system/deadline.ts'
import { endOf } from '../system/worker-end.ts'
import { workerUrl } from '../system/worker-url.ts'
import type { DumpJob, DumpMessage } from './dump.worker.ts'
import { decodeRaw } from './raw-bytes.ts'

/** pg_dump failed; the message is its output. */
export class DumpFailed extends PgtrekError {}

/** Since 18 pg_dump does not read a sequence without the privilege. */
export const dumpsUnreadableSequencesSince = 18

const firstAnswerBytes = 1 << 20
const largestAnswerBytes = 1 << 30
/** Splitting a script of this length takes so much memory that garbage is collected before. */
const longScript = 1 << 20
const longestCloseMs = 1000

/** Started early, so that pg_dump is loaded when the session is connected. */
export class DumpThread implements Disposable {
  readonly worker = new Worker(workerUrl('schema/dump.worker.ts'))
  readonly ended = endOf(this.worker)

  /** Ends the thread and frees its memory, which for many tables is larger than the script. */
  async end(): Promise<void> {
    this.worker.terminate()
    await settledWithin(this.ended, longestCloseMs)
  }

  [Symbol.dispose]() {
    this.worker.terminate()
  }
}

/**
 * Returns the text that `pg_dump` writes with these arguments. The session stays in pg_dump's transaction; the thread
 * cannot be used again.
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
    // The caller may keep the thread; its references to the script are released.
    worker.onmessage = null
  }
}

/**
 * The errors in pg_dump's messages, without its progress lines, which it writes one directly after the other. It uses
 * the name of the file that it was started from as its own.
 */
function readable(text: string): string {
  const [, program = 'pg_dump'] =
    /([\w.-]+): error: /.exec(text.slice(text.lastIndexOf(': executing '))) ?? []
  const names = ['pg_dump', 'dump.worker.ts', program].map((name) => name.replaceAll('.', '\\.')).join('|')
  const errors = text.match(new RegExp(`(?:${names}): (?:error|detail|hint): .*?(?=(?:${names}): |$)`, 'gs'))
  return errors ? errors.map((line) => line.replace(/^[^ ]+: (error: )?/, '').trim()).join(' ') : text
}
