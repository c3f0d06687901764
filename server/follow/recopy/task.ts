// Copying tables again as a task of a run: shown in views, and followed by a new stream.

import type { RecopyView } from '../../../shared/follow-view.ts'
import { formatCount } from '../../../shared/format.ts'
import { say } from '../../../shared/say.ts'
import { showName, type TableName, tableKey } from '../../../shared/table-name.ts'
import type { RunLock } from '../../coordination/run-lock.ts'
import { errorInfo } from '../../postgres/errors.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'
import { type MoveContext, publicationsOf } from '../move-context.ts'
import type { OtherWriters } from '../other-writers.ts'
import { allTables } from '../relations.ts'
import type { Streams } from '../streams.ts'
import { type Choice, chooseTables, refuseRecopy, showNames } from './choice.ts'
import { recopy } from './recopy.ts'
import { forgetGone } from './record.ts'

export class RecopyTask {
  readonly #stop = new AbortController()

  constructor(
    readonly move: MoveContext,
    readonly streams: Streams,
    readonly others: OtherWriters,
  ) {}

  /** The named tables, or all failed ones; or why they cannot be copied again. */
  async choose(names: readonly string[]): Promise<Choice | string> {
    const { move } = this
    const refusal = refuseRecopy(move.record)
    if (refusal !== undefined) return refusal
    const link = move.link('forward')
    try {
      return await chooseTables(link, await publicationsOf(link), move.record, names)
    } catch (error) {
      return errorInfo(error).message
    }
  }

  async forgetGone({ gone }: Choice) {
    const { move } = this
    if (gone.length === 0) return
    const update = (change: Partial<FollowRecord>) => move.update(change)
    await forgetGone({ link: move.link('forward'), record: () => move.record, update }, gone)
  }

  stop() {
    this.#stop.abort()
  }

  /** Never rejects: changes flow afterwards in any case. `onOver`: the next task may begin. */
  async run(choice: Choice, lock: RunLock, onOver: () => void) {
    const { move, streams } = this
    const { status, ends, services } = move
    const tables = choice.tables.map(({ schema, name }) => ({ schema, name }))
    const shown = { started_at: Date.now(), tables }
    const isPaused = status.followers.get('forward')?.status.phase === 'paused'
    const signal = AbortSignal.any([move.signal, this.#stop.signal])
    status.recopy = { ...shown, state: 'running' }
    status.troubles.set('recopy', say`tables are being copied again: ${showNames(tables)}`)
    status.dispatch({ type: 'recopy_began' })
    status.say(say`copying again: ${showNames(tables)}`)
    status.onChange('now')
    // Results for these tables are not valid any more.
    await streams.endComparison()
    let outcome: Pick<RecopyView, 'state' | 'message'>
    try {
      const failed = await recopy({
        ...{ ends, services, link: move.link('forward'), choice, status, lock, signal },
        record: () => move.record,
        update: (change) => move.update(change),
        followPaused: () => streams.startInstead('forward', { paused: true, compares: false }),
      })
      const message = describeRecopied(tables, failed)
      outcome = { state: failed.length > 0 ? 'failed' : 'done', message }
      status.say(message, failed.length > 0 ? 'error' : 'info')
    } catch (error) {
      outcome = { state: 'failed', message: errorInfo(error).message }
      status.fail(error)
    }
    if (!signal.aborted) await streams.startAgain('forward', { paused: isPaused })
    // Other sessions of pgtrek have filled them.
    const isChosen = new Set(choice.tables.map(tableKey))
    this.others.forget(allTables(move.record).filter((table) => isChosen.has(tableKey(table))))
    // Before the views show the end, because the user may request the next action then.
    onOver()
    status.troubles.delete('recopy')
    status.recopy = { ...shown, ...outcome }
    status.dispatch({ type: 'recopy_ended' })
    status.onChange('now')
  }
}

function describeRecopied(tables: readonly TableName[], failed: FollowRecord['failedTables']): string {
  const lost = new Set(failed.map(tableKey))
  const whole = tables.filter((table) => !lost.has(tableKey(table)))
  const parts = [
    ...(whole.length > 0
      ? [say`${formatCount(whole.length, 'table')} copied again and followed: ${showNames(whole)}`]
      : []),
    ...failed.map((table) => say`${showName(table)} failed again: ${table.error}`),
  ]
  return parts.join('; ')
}
