// Changes that were made only on the old primary, after a switchover.

import { type Static, Type } from '@sinclair/typebox'
import { formatCount } from './format.ts'
import { say } from './say.ts'
import { showName, TableName } from './table-name.ts'

export const LateWritesView = Type.Object({
  /** The old primary. */
  place: Type.String(),
  /** Counting ends at `enoughChanges`. */
  transactions: Type.Number(),
  changes: Type.Number(),
  tables: Type.Array(Type.Intersect([TableName, Type.Object({ changes: Type.Number() })])),
  /** Objects that were changed there, one sentence each. */
  objects: Type.Array(Type.String()),
})
export type LateWritesView = Static<typeof LateWritesView>

const mostNamed = 10
/** Counting stops after the transaction that reaches this number: there may be more. */
export const enoughChanges = 10_000

type Rows = Pick<LateWritesView, 'transactions' | 'changes' | 'tables'>

/** `3 transactions in public.a and public.b` */
export function namedLateWrites({ transactions, changes, tables }: Rows): string {
  const more = tables.length - mostNamed
  const names = tables.slice(0, mostNamed).map(showName).join(', ')
  const where = more > 0 ? say`${names} and ${more} more` : names
  return changes >= enoughChanges
    ? say`at least ${formatCount(transactions, 'transaction')} in ${where}`
    : say`${formatCount(transactions, 'transaction')} in ${where}`
}

export function describeLateWrites(late: Rows, place: string): string {
  return say`${place} was written to after the switchover, and only there: ${namedLateWrites(late)}. These rows are not on the new primary: copy them by hand, and stop the clients that still write there`
}

/** A sentence about rows, and one about objects. */
export function describeLate(late: LateWritesView): string[] {
  const { place, objects } = late
  const more = objects.length - mostNamed
  return [
    ...(late.transactions > 0 ? [describeLateWrites(late, place)] : []),
    ...(objects.length > 0
      ? [
          say`objects of ${place} were changed after the switchover: ${objects.slice(0, mostNamed).join('; ')}${more > 0 ? say`; and ${more} more` : ''}`,
        ]
      : []),
  ]
}
