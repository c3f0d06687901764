// What every view shows while the state directory cannot be written.

import { type Static, Type } from '@sinclair/typebox'
import { say } from './say.ts'

export const StorageFailure = Type.Object({
  /** In milliseconds since 1970. */
  since: Type.Number(),
  /** The directory, and why it cannot be written. */
  reason: Type.String(),
  /** Writes since then that are not on the disk. */
  missed: Type.Integer(),
})
export type StorageFailure = Static<typeof StorageFailure>

export function describeStorageFailure({ reason, since, missed }: StorageFailure): string {
  return say`${reason} (since ${new Date(since).toISOString()}, writes kept in memory: ${missed})`
}
