// Runs DDL on the destination in a few sessions, and opens new ones when they are lost.
import { messageOf } from '../../../shared/message-of.ts'
import { checkConfirmed } from '../../copy/lane-sessions.ts'
import { pause } from '../../copy/pause.ts'
import { isLost } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import type { Sizes } from '../plan/sizes.ts'
import type { SqlWork } from '../plan/step.ts'
import { hasNoConnection } from './open-when-free.ts'
import { alreadySo, RestoreSession, type SqlOutcome } from './restore-session.ts'

/** A server needs a moment to come back after a crash. */
const usualPausesMs: readonly number[] = [250, 500, 1000, 2000, 4000, 8000]

export { alreadySo, passing, type SqlOutcome } from './restore-session.ts'

export class RestoreSessions {
  #idle: RestoreSession[] = []
  readonly #busy = new Set<RestoreSession>()
  /** Work that waits for a session. */
  readonly #waiting: (() => void)[] = []
  #isShared = false
  #isGone = false
  /** The last committed transaction, and whether the server may have lost it. */
  #confirmed: string | undefined
  #isDoubted = false
  /** Works of a batch whose connection was lost: they may have been committed. */
  readonly #doubtful = new WeakSet<SqlWork>()

  constructor(
    readonly settings: ConnectionSettings,
    readonly sizes: Sizes,
    readonly signal: AbortSignal,
    readonly onNotice: (message: string) => void,
    readonly reconnectPausesMs = usualPausesMs,
  ) {}

  async use<Result>(action: (session: RestoreSession) => Promise<Result>): Promise<Result> {
    const session = await this.#take()
    this.#busy.add(session)
    let isFit = true
    try {
      return await action(session)
    } catch (error) {
      if (isLost(error)) {
        isFit = false
        session.session.destroy()
        this.#isDoubted = true
      }
      throw error
    } finally {
      this.#busy.delete(session)
      if (isFit) this.#idle.push(session)
      this.#waiting.shift()?.()
    }
  }

  /** Where the server has no other connection, an existing session is shared: later work waits for it. */
  async #take(): Promise<RestoreSession> {
    for (;;) {
      const idle = this.#idle.pop()
      if (idle) return idle
      try {
        return await this.#open()
      } catch (error) {
        if (hasNoConnection(error) && this.#idle.length > 0) continue
        if (!hasNoConnection(error) || this.#busy.size === 0) {
          // No other session would notify them.
          this.#waiting.shift()?.()
          throw error
        }
        this.#sayShared(error as Error)
        await new Promise<void>((resolve) => this.#waiting.push(resolve))
      }
    }
  }

  #sayShared(error: Error) {
    if (this.#isShared) return
    this.#isShared = true
    this.onNotice(`${error.message} The run continues with the sessions that it has.`)
  }

  /**
   * Repeats the work in another session when one is lost. The work may have been committed before: with `again` an
   * existing object may be from the first attempt.
   */
  async repeatedly<Result>(
    action: (session: RestoreSession, again: boolean) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.use((session) => action(session, attempt > 0))
        this.#isGone = false
        return result
      } catch (error) {
        if (!isLost(error) || this.signal.aborted || this.#isGone) throw error
        const wait = this.reconnectPausesMs[attempt]
        // A server that did not come back is not waited for again.
        this.#isGone = wait === undefined
        if (wait === undefined) throw error
        this.onNotice(`${messageOf(error)}: the interrupted work is repeated in ${wait / 1000} s`)
        await pause(wait, this.signal)
      }
    }
  }

  /** An object that exists at the second attempt is kept, whether it is from the first attempt or older. */
  run(work: SqlWork, alsoKept: ReadonlySet<string>): Promise<SqlOutcome> {
    return this.repeatedly((session, repeated) => {
      const again = repeated || this.#doubtful.has(work)
      return session.run(again ? { ...work, mayExist: true } : work, again ? alreadySo : alsoKept)
    })
  }

  /** Everything in one round trip and one transaction, or nothing. */
  async runTogether(works: readonly SqlWork[]): Promise<void> {
    try {
      await this.use((session) => session.runTogether(works))
    } catch (error) {
      if (isLost(error)) for (const work of works) this.#doubtful.add(work)
      throw error
    }
  }

  /** The session is closed with the others. */
  async adopt(session: Session): Promise<void> {
    this.#idle.push(await this.#prepare(session))
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#idle, ...this.#busy].map(({ session }) => session.close()))
    this.#idle = []
  }

  async #open(): Promise<RestoreSession> {
    const session = await Session.open(this.settings, { until: this.signal, onNotice: this.onNotice })
    try {
      // Commits are asynchronous: a server that has crashed may have lost the last of them.
      if (this.#isDoubted && this.#confirmed) await checkConfirmed(session, [this.#confirmed])
      this.#isDoubted = false
      return await this.#prepare(session)
    } catch (error) {
      session.destroy()
      throw error
    }
  }

  async #prepare(session: Session): Promise<RestoreSession> {
    await session.execute(`
      set client_encoding = 'UTF8';
      set standard_conforming_strings = on;
      set search_path = '';
      set check_function_bodies = false;
      set xmloption = content;
      set client_min_messages = warning;
      set maintenance_work_mem = '${this.sizes.maintenanceWorkMemKb}kB';
      set max_parallel_maintenance_workers = ${this.sizes.parallelMaintenanceWorkers};`)
    return new RestoreSession(session, (transaction) => {
      this.#confirmed = transaction
    })
  }
}
