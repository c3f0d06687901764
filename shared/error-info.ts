// An error as it crosses a wire: without stack, query or parameters.
import { type Static, Type } from '@sinclair/typebox'

/** What the server said, and about what: enough to understand a failure without its stack. */
export const ErrorInfo = Type.Object({
  message: Type.String(),
  sqlstate: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
  context: Type.Optional(Type.String()),
  /** `snapshot_lost`: no row of the same moment can be read any more. */
  code: Type.Optional(Type.Literal('snapshot_lost')),
})
export type ErrorInfo = Static<typeof ErrorInfo>
