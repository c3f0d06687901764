// What one switchover works with: its options, and the parts of the run that it uses.

import type { SwitchoverOptions, SwitchoverStep } from '../../../shared/switchover.ts'
import type { TableName } from '../../../shared/table-name.ts'
import type { Following } from '../../replication/apply/follower.ts'
import type { Publications } from '../../replication/stream/publication.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import type { BackgroundComparison } from '../comparison/background-comparison.ts'
import type { Link } from '../link.ts'
import type { ObjectsCheck } from '../moved-objects.ts'

export interface Switchover {
  record: FollowRecord
  link: Link
  follower: Following
  options: SwitchoverOptions
  /** Sentinels that have come out of the stream. */
  arrived: ReadonlySet<string>
  /** The comparison while following, if there was one. */
  background?: BackgroundComparison | undefined
  publication: () => Promise<Publications>
  /** The position, on the old primary, of changes that this move applies there. */
  ours: string
  signal: AbortSignal
  onStep: (step: SwitchoverStep, deadline?: number) => void
  say: (message: string, level?: 'info' | 'warn') => void
  /** Checks a last time which tables of the destination others have written to. */
  writtenByOthers: () => Promise<readonly TableName[]>
  /** Compares the objects of both sides as they are now. */
  checkObjects: (lockWaitMs: number) => Promise<ObjectsCheck>
  /** Checks the old primary of an earlier switchover a last time, and stops watching it. */
  release: () => Promise<void>
  /** Creates the slot for changes back. Only later changes are in its stream. */
  reverse: () => Promise<{ slot: string; publication: string }>
}
