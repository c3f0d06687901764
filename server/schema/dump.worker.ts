// pg_dump itself, as WebAssembly, in a thread that may block: it waits for the main thread to carry its
// bytes to the server and back.
import { pgDump } from '@electric-sql/pglite-tools/pg_dump'

export interface DumpJob {
  /** [0]: 1 when an answer lies ready; [1]: its length. */
  control: SharedArrayBuffer
  /** Grows with the largest answer. */
  answer: SharedArrayBuffer
  arguments: string[]
}

export type DumpMessage = { write: Uint8Array } | { done: string } | { failed: string }

const largeAnswerBytes = 1 << 20

declare const self: Worker

self.onmessage = async ({ data: job }: MessageEvent<DumpJob>) => {
  try {
    const file = await pgDump({ pg: connectionFor(job) as never, args: job.arguments })
    post({ done: await file.text() })
  } catch (error) {
    post({ failed: error instanceof Error ? error.message : String(error) })
  }
}

/** The little of a PGlite instance that the package uses. */
function connectionFor({ control, answer }: DumpJob) {
  const state = new Int32Array(control)
  const bytes = new Uint8Array(answer)
  return {
    query: async () => ({ rows: [{ search_path: '' }] }),
    exec: async () => {},
    execProtocolRawStream(written: Uint8Array, { onRawData }: { onRawData: (data: Uint8Array) => void }) {
      post({ write: written.slice() })
      Atomics.wait(state, 0, 0)
      Atomics.store(state, 0, 0)
      const length = state[1] as number
      if (length > 0) onRawData(bytes.slice(0, length))
      // Nothing else runs in this thread that would clean up behind the copies.
      if (length > largeAnswerBytes) Bun.gc(true)
    },
  }
}

function post(message: DumpMessage) {
  self.postMessage(message)
}
