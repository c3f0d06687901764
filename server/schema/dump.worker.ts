// Runs pg_dump as WebAssembly, in a thread that may block: it waits until the main thread has sent its bytes to the
// server and received the answer.

import { pgDump } from '@electric-sql/pglite-tools/pg_dump'
import { messageOf } from '../../shared/message-of.ts'
import { collectAbove } from '../system/collect-garbage.ts'
import { DumpOutput, type Imports } from './dump-output.ts'

export interface DumpJob {
  /** [0]: 1 when an answer is ready; [1]: its length. */
  control: SharedArrayBuffer
  /** Grows with the largest answer. */
  answer: SharedArrayBuffer
  arguments: string[]
}

/** `script`: the next piece of pg_dump's output. */
export type DumpMessage = { write: Uint8Array } | { script: Uint8Array } | { done: true } | { failed: string }

const manyBytes = 1 << 20

declare const self: Worker

/**
 * The package compiles its WebAssembly for every run. Here all runs of the thread share the first compilation, which a
 * trial run without a server makes: the thread is started while the sessions are still connecting.
 */
const instantiate = WebAssembly.instantiate
const output = new DumpOutput((script) => {
  post({ script })
  cleanUp(script.length)
})
let compiled: Promise<WebAssembly.Module> | undefined
WebAssembly.instantiate = (async (bytes: Parameters<typeof WebAssembly.compile>[0], imports?: Imports) => {
  compiled ??= WebAssembly.compile(bytes)
  const module = await compiled
  const instance = await instantiate(module, output.tap(module, imports ?? {}))
  output.attach(instance)
  return { module, instance }
}) as typeof WebAssembly.instantiate
// The trial run fails because it has no server. Other failures occur again in the dump itself.
const trialRun = pgDump({ pg: inert() as never, args: ['--version'] }).catch(() => undefined)

self.onmessage = async ({ data: job }: MessageEvent<DumpJob>) => {
  try {
    await trialRun
    output.takeMessages()
    await pgDump({ pg: connectionFor(job) as never, args: job.arguments })
    output.flush()
    post({ done: true })
  } catch (error) {
    const words = output.takeMessages()
    post({ failed: words || messageOf(error) })
  }
}

/** The thread runs no other code: pg_dump returns only when it is done. */
function cleanUp(moved: number) {
  collectAbove(manyBytes, moved)
}

/** The members of a PGlite instance that the package uses. */
function inert() {
  return {
    query: async () => ({ rows: [{ search_path: '' }] }),
    exec: async () => {},
  }
}

function connectionFor({ control, answer }: DumpJob) {
  const state = new Int32Array(control)
  const bytes = new Uint8Array(answer)
  return {
    ...inert(),
    execProtocolRawStream(written: Uint8Array, { onRawData }: { onRawData: (data: Uint8Array) => void }) {
      post({ write: written.slice() })
      // A late notification of an earlier answer may end this wait.
      while (Atomics.load(state, 0) === 0) Atomics.wait(state, 0, 0)
      Atomics.store(state, 0, 0)
      const length = state[1] as number
      if (length > 0) onRawData(bytes.slice(0, length))
      cleanUp(length)
    },
  }
}

function post(message: DumpMessage) {
  self.postMessage(message)
}
