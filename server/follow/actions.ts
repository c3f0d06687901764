// What a run of a move does on request. A switchover, a recopy and a change of tables exclude each other.

import type { FollowAction, FollowAnswer } from '../../shared/follow-action.ts'
import { say } from '../../shared/say.ts'
import type { SwitchoverOptions } from '../../shared/switchover.ts'
import type { RunLock } from '../coordination/run-lock.ts'
import type { Following } from '../replication/apply/follower.ts'
import type { MoveContext } from './move-context.ts'
import type { OtherWriters } from './other-writers.ts'
import { showNames } from './recopy/choice.ts'
import { RecopyTask } from './recopy/task.ts'
import { SchemaTask } from './schema-task.ts'
import type { Streams } from './streams.ts'
import type { OldPrimary } from './switchover/old-primary.ts'
import { SwitchoverTask } from './switchover/task.ts'

/** Changes the streams, so there is one at a time. */
interface Task {
  what: 'switchover' | 'recopy' | 'schema'
  /** Never rejects. */
  done: Promise<void>
}

const done = (message: string): FollowAnswer => ({ ok: true, message })
export const refused = (message: string): FollowAnswer => ({ ok: false, message })

export class RunActions {
  readonly #switchover: SwitchoverTask
  readonly #recopy: RecopyTask
  readonly #schema: SchemaTask
  #task: Task | undefined
  /** Of the destination, once the run has it. */
  lock: RunLock | undefined

  constructor(
    readonly move: MoveContext,
    streams: Streams,
    others: OtherWriters,
    oldPrimary: OldPrimary,
    /** Tables of the destination were changed. */
    readonly onSchemaChange: () => void,
  ) {
    this.#switchover = new SwitchoverTask(move, streams, others, oldPrimary)
    this.#recopy = new RecopyTask(move, streams, others)
    this.#schema = new SchemaTask(move, streams, others)
  }

  get isBusy(): boolean {
    return this.#task !== undefined
  }

  /** When the current task has ended. */
  async idle(): Promise<void> {
    await this.#task?.done
  }

  stopRecopy() {
    this.#recopy.stop()
  }

  async act(action: FollowAction): Promise<FollowAnswer> {
    if (action.type === 'stop') {
      this.move.stop()
      return done('stopping')
    }
    const { status } = this.move
    const followers = [...status.followers.values()]
    if (this.#task) return refused(underWay[this.#task.what])
    if (followers.length === 0) {
      const { stage } = status
      return refused(
        stage === 'done'
          ? say`it has just started, and changes do not flow back yet: try again in a moment`
          : say`not streaming yet (state: ${stage}): try again when changes flow`,
      )
    }
    switch (action.type) {
      case 'pause':
        for (const follower of followers) follower.pause()
        return done('pausing')
      case 'resume':
        for (const follower of followers) follower.resume()
        return done('resuming')
      case 'retry':
        if (followers.filter((follower) => follower.retry()).length === 0) {
          return refused(say`there is no conflict`)
        }
        status.dispatch({ type: 'conflict_decided' })
        return done(say`trying again`)
      case 'skip':
        if (followers.filter((follower) => isMeant(follower, action) && follower.skip()).length === 0) {
          return refused(say`there is no such conflict`)
        }
        status.dispatch({ type: 'conflict_decided' })
        return done(say`the transaction is skipped`)
      case 'apply_schema':
        return await this.#applySchema(action)
      case 'recopy':
        return await this.#beginRecopy(action.tables)
      case 'switchover':
        return this.#beginSwitchover(action.options)
    }
  }

  /** Changes the table in conflict, which is then tried again; without a conflict, all tables that have changed. */
  async #applySchema(seen: { lsn?: string | undefined }): Promise<FollowAnswer> {
    const answer = await this.#schema.applyToConflict((follower) => isMeant(follower, seen))
    if (answer) return answer
    if (seen.lsn !== undefined) return refused(say`there is no such conflict about a table`)
    const altered = this.#schema.altered()
    if (typeof altered === 'string') return refused(altered)
    return await this.#exclusively('schema', async () => {
      const answer = await this.#schema.alter(altered)
      this.onSchemaChange()
      return answer
    })
  }

  async #beginRecopy(names: readonly string[]): Promise<FollowAnswer> {
    const choice = await this.#recopy.choose(names)
    if (typeof choice === 'string') return refused(choice)
    const cannotBegin = () => this.isBusy || this.lock === undefined
    // Another task may have begun during each of these waits.
    if (cannotBegin()) return refused(say`another command is running`)
    await this.#recopy.forgetGone(choice)
    if (choice.tables.length === 0) {
      const gone = showNames(choice.gone)
      return done(
        gone
          ? say`no table to copy again: these tables no longer exist on the source: ${gone}`
          : say`no table has failed: there is nothing to copy again`,
      )
    }
    const lock = this.lock
    if (cannotBegin() || !lock) return refused(say`another command is running`)
    this.#begin('recopy', (onOver) => this.#recopy.run(choice, lock, onOver))
    return done(say`copying again: ${showNames(choice.tables)}`)
  }

  #beginSwitchover(options: SwitchoverOptions): FollowAnswer {
    const refusal = this.#switchover.refusal(options)
    if (refusal !== undefined) return refused(refusal)
    this.#begin('switchover', () => this.#switchover.run(options))
    return done(say`switching over`)
  }

  /** An unexpected failure of the work ends the run. */
  #begin(what: Task['what'], work: (onOver: () => void) => Promise<void>) {
    void this.#exclusively(what, work).catch((error) => {
      this.move.status.fail(error)
      this.move.fail(error)
    })
  }

  async #exclusively<T>(what: Task['what'], work: (onOver: () => void) => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const task = { what, done: promise }
    this.#task = task
    const onOver = () => {
      if (this.#task === task) this.#task = undefined
    }
    try {
      return await work(onOver)
    } finally {
      onOver()
      resolve()
    }
  }
}

const underWay: Record<Task['what'], string> = {
  switchover: say`a switchover is running`,
  recopy: say`tables are being copied again`,
  schema: say`tables of the destination are being changed`,
}

/** A decision names the conflict that it is about, because there may be another one by now. */
function isMeant({ status }: Following, { lsn }: { lsn?: string | undefined }): boolean {
  return lsn === undefined || status.conflict?.lsn === lsn
}
