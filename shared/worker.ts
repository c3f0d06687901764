// Processes on other machines that take jobs of a queue and copy rows.
import { type Static, Type } from '@sinclair/typebox'

export const WorkerView = Type.Object({
  /** Its host, its process ID, and a random part. */
  name: Type.String(),
  host: Type.String(),
  pid: Type.Number(),
  /** Jobs that it takes at the same time. */
  concurrency: Type.Number(),
  /** Jobs that it is copying, or that wait for their commit. */
  jobs: Type.Array(Type.String()),
})
export type WorkerView = Static<typeof WorkerView>
