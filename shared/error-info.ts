// An error for a message: without stack, query or parameters.
import { type Static, Type } from '@sinclair/typebox'

/** The server's message and the objects it names: enough to understand a failure without its stack. */
export const ErrorInfo = Type.Object({
  message: Type.String(),
  sqlstate: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
  context: Type.Optional(Type.String()),
  /** `snapshot_lost`: rows of the same moment cannot be read any more. */
  code: Type.Optional(Type.Literal('snapshot_lost')),
})
export type ErrorInfo = Static<typeof ErrorInfo>
