// Gives tables of the destination the columns of the source: a table in conflict, or all that have changed.

import type { Direction } from '../../shared/follow.ts'
import type { FollowAnswer } from '../../shared/follow-action.ts'
import { say } from '../../shared/say.ts'
import type { TableName } from '../../shared/table-name.ts'
import { errorInfo } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { Following } from '../replication/apply/follower.ts'
import { applySchema } from './apply-schema.ts'
import type { Link } from './link.ts'
import type { MoveContext } from './move-context.ts'
import type { OtherWriters } from './other-writers.ts'
import { endAt } from './stream-waits.ts'
import type { Streams } from './streams.ts'
import { writeSentinel } from './switchover/sentinel.ts'

export interface AlteredTables {
  direction: Direction
  follower: Following
  tables: readonly TableName[]
}

export class SchemaTask {
  constructor(
    readonly move: MoveContext,
    readonly streams: Streams,
    readonly others: OtherWriters,
  ) {}

  /** Changes the table in conflict, and tries again. Undefined without such a conflict. */
  async applyToConflict(isMeant: (follower: Following) => boolean): Promise<FollowAnswer | undefined> {
    const { status } = this.move
    for (const [direction, follower] of status.followers) {
      const table = follower.status.conflict?.table
      if (!table || !isMeant(follower)) continue
      const answer = await this.#apply(this.move.link(direction), table)
      if (answer.ok && follower.retry()) status.dispatch({ type: 'conflict_decided' })
      return answer
    }
    return undefined
  }

  /** Changed tables without a conflict so far; or why there are none. */
  altered(): AlteredTables | string {
    const { record, status, isBothWays } = this.move
    const { direction } = record
    const follower = status.followers.get(direction)
    const tables = status.objects?.altered ?? []
    if (!follower || isBothWays || record.native || tables.length === 0) {
      return say`there is no conflict about a table, and no table with changed columns is known`
    }
    if (follower.status.phase !== 'streaming')
      return say`changes are not applied at the moment: ${follower.status.phase}`
    return { direction, follower, tables }
  }

  /** Applies all earlier changes first, with the old columns. Never rejects: changes flow afterwards in any case. */
  async alter({ direction, follower, tables }: AlteredTables): Promise<FollowAnswer> {
    const { move } = this
    const { signal } = move
    const link = move.link(direction)
    const answers: FollowAnswer[] = []
    try {
      await using source = await Session.open(link.from, { signal })
      const { lsn } = await writeSentinel(source)
      await endAt(follower, lsn, signal)
      for (const table of tables) answers.push(await this.#apply(link, table))
    } catch (error) {
      answers.push({ ok: false, message: errorInfo(error).message })
    }
    if (!signal.aborted) await this.streams.startAgain(direction, { paused: false })
    return {
      ok: answers.every(({ ok }) => ok),
      message: answers.map(({ message }) => message.replace('; trying again', '')).join('; '),
    }
  }

  /** Values that are filled in for older rows do not count as writes of others. */
  async #apply({ from, to, names }: Link, table: TableName): Promise<FollowAnswer> {
    const work = { from, to, table, positionName: names.position }
    return await this.others.except(() =>
      applySchema(work, (line, level) => this.move.status.say(line, level)),
    )
  }
}
