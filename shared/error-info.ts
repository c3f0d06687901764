// An error for a message: without stack, query or parameters.
import { type Static, Type } from '@sinclair/typebox'

/** The server's message and the objects it names: enough to understand a failure without its stack. */
export const ErrorInfo = Type.Object({
  message: Type.String(),
  sqlstate: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
  context: Type.Optional(Type.String()),
  /** What the server names, as far as it does. In a COPY the column is known from its context. */
  schema: Type.Optional(Type.String()),
  table: Type.Optional(Type.String()),
  column: Type.Optional(Type.String()),
  constraint: Type.Optional(Type.String()),
  /** In a COPY: the number of the failing row among the rows sent, and the value that was refused. */
  row: Type.Optional(Type.Number()),
  value: Type.Optional(Type.String()),
  /** The server that refused, where rows pass from one to the other; without it the destination. */
  side: Type.Optional(Type.Union([Type.Literal('source'), Type.Literal('destination')])),
  /** `snapshot_lost`: rows of the same moment cannot be read any more. */
  code: Type.Optional(Type.Literal('snapshot_lost')),
})
export type ErrorInfo = Static<typeof ErrorInfo>

/** `COPY items, line 3, column price: "x"`: the server's CONTEXT line of a failing row. */
export function placeInCopy(context: string | undefined): Pick<ErrorInfo, 'row' | 'column' | 'value'> {
  const [, line, column, value] =
    /^COPY .*?, line (\d+)(?:, column ([^:\n]+)(?:: "([\s\S]*?)"$)?)?/m.exec(context ?? '') ?? []
  if (line === undefined) return {}
  return {
    row: Number(line),
    ...(column !== undefined && { column }),
    ...(value !== undefined && { value }),
  }
}
