// Processes elsewhere that copy rows for whoever put jobs into their queue.
import { type Static, Type } from '@sinclair/typebox'

export const WorkerView = Type.Object({
  /** Its host, its process, and something that no other has. */
  name: Type.String(),
  host: Type.String(),
  pid: Type.Number(),
  /** Jobs that it takes at the same time. */
  concurrency: Type.Number(),
  /** What it copies, or has copied and waits to commit. */
  jobs: Type.Array(Type.String()),
})
export type WorkerView = Static<typeof WorkerView>
