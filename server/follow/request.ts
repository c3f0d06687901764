// What following is asked to do, and what whoever asks gives it to work with.

import type { MigrationEvent } from '../../shared/event.ts'
import type { FollowEvent } from '../../shared/follow.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type { FollowLogLine, FollowView } from '../../shared/follow-view.ts'
import type { Summary } from '../../shared/summary.ts'
import type { Copiers } from '../copy/task.ts'
import type { Plan } from '../migrate/plan/types.ts'
import type { RunRequest } from '../migrate/request.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { FollowMemory } from '../store/follow-memory.ts'
import type { RunMemory } from '../store/run-memory.ts'
import type { ForeignWatchTimes } from './foreign-writes.ts'
import type { RunTransition } from './run-state.ts'

/** Two databases and a name: enough to continue what was started, to switch over, to clean up. */
export interface FollowEnds {
  source: ConnectionSettings
  destination: ConnectionSettings
  follow: FollowOptions
}

export interface FollowServices {
  memory: FollowMemory
  signal: AbortSignal
  /** At most every 500 ms, and on every change of state. */
  onView?: ((view: FollowView) => void) | undefined
  /** Each change of its state once, at the moment it happens; views show it already. */
  onTransition?: ((transition: RunTransition) => void) | undefined
  onFollowEvent?: ((event: FollowEvent) => void) | undefined
  /** Each line of the log once; those of the copy come as its own events. */
  onLine?: ((line: FollowLogLine) => void) | undefined
  /** A copy that begins later is one of the runs that are remembered, and so is what it takes away for its time. */
  beginRun?:
    | ((
        run: string,
        ends: Pick<FollowEnds, 'source' | 'destination'>,
      ) => { memory: RunMemory; end: (summary: Summary) => void })
    | undefined
  /** How often new, renamed and dropped tables are looked for (default: 10,000). */
  tableCheckEveryMs?: number | undefined
  /** How often rows that changed are compared again (default: 5,000). */
  compareEveryMs?: number | undefined
  /** How often the side that was left by a switchover is looked at (default: 1,000, and 5,000 while changes flow back). */
  watchEveryMs?: number | undefined
  /** How writes of others to the destination are looked for. */
  foreignWatch?: ForeignWatchTimes | undefined
}

/** The copy comes first. */
export interface CloneAndFollow extends RunRequest, FollowEnds {
  run: string
  /** Of the copy. */
  runMemory: RunMemory
  copiers?: Copiers | undefined
  /** The move's own number, where the caller has written it down already. */
  move?: string | undefined
  /** For the end of another run on the same objects. */
  wait?: boolean | undefined
  /** How often the slot is looked at while rows are copied (default: 5,000). */
  slotCheckEveryMs?: number | undefined
  onEvent: (event: MigrationEvent) => void
  confirm: (plan: Plan) => boolean | Promise<boolean>
}
