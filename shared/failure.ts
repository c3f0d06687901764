// A failed step of a run: the object, the failure in words, and what the server said in parts.
import { type Static, Type } from '@sinclair/typebox'
import { ErrorInfo } from './error-info.ts'

export const FailedObject = Type.Object({
  schema: Type.String(),
  name: Type.String(),
  error: Type.String(),
})

export const FailedStep = Type.Object({
  ...FailedObject.properties,
  kind: Type.String(),
  /** The server's answer in parts; runs that were recorded before have none. */
  cause: Type.Optional(ErrorInfo),
})
export type FailedStep = Static<typeof FailedStep>
