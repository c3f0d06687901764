// What following gets from its caller: the request, and the services that it uses.

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

/** Enough to continue a move, to switch over, and to clean up. */
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
  /** Each change of the state once; views show it already. */
  onTransition?: ((transition: RunTransition) => void) | undefined
  onFollowEvent?: ((event: FollowEvent) => void) | undefined
  /** Each log line once, except those of the copy, which come as its events. */
  onLine?: ((line: FollowLogLine) => void) | undefined
  /** Records a later copy as a run, with the objects that it suspends. */
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
  /** How often the old primary is checked for late writes (default: 1,000, and 5,000 while changes flow back). */
  watchEveryMs?: number | undefined
  /** How often writes of others to the destination are looked for. */
  foreignWatch?: ForeignWatchTimes | undefined
}

/** A move that begins with a copy. */
export interface CloneAndFollow extends RunRequest, FollowEnds {
  run: string
  /** Of the copy. */
  runMemory: RunMemory
  copiers?: Copiers | undefined
  /** The ID of the move, if the caller has recorded it already. */
  move?: string | undefined
  /** Waits for the end of another run on the same objects. */
  wait?: boolean | undefined
  /** How often the slot is checked while rows are copied (default: 5,000). */
  slotCheckEveryMs?: number | undefined
  onEvent: (event: MigrationEvent) => void
  confirm: (plan: Plan) => boolean | Promise<boolean>
}
