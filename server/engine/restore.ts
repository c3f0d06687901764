// Runs DDL on the destination: a few sessions, each statement with the settings that pg_dump wants around it.
import { pause } from '../copy/pause.ts'
import { isLost, ServerError, sqlstate } from '../postgres/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { Sizes } from './sizes.ts'
import type { SqlWork } from './step.ts'

const attempts = 6
const firstPauseMs = 50

/** A server needs a moment to come back after a crash. */
const reconnectPausesMs = [250, 500, 1000, 2000, 4000, 8000]

/** Another session, often one of ours, was in the way: the same statement may succeed a moment later. */
export const passing: ReadonlySet<string> = new Set([
  sqlstate.deadlockDetected,
  sqlstate.lockNotAvailable,
  sqlstate.serializationFailure,
])

const exists: ReadonlySet<string> = new Set([
  sqlstate.duplicateSchema,
  sqlstate.duplicateTable,
  sqlstate.duplicateFunction,
  sqlstate.duplicateObject,
])

/** States in which a table that was there before refuses what it has already. */
export const alreadySo: ReadonlySet<string> = new Set(['55000', '42P16', '42809'])

export interface SqlOutcome {
  /** The object was there already and was kept as it is. */
  kept: boolean
  /** Its owner or single grants that could not be set; the object itself is there. */
  refused: Error[]
}

export class RestoreSessions {
  #idle: RestoreSession[] = []
  readonly #busy = new Set<RestoreSession>()
  #isGone = false
  /** The connection was lost while these ran together: they may have been done. */
  readonly #doubtful = new WeakSet<SqlWork>()

  constructor(
    readonly settings: ConnectionSettings,
    readonly sizes: Sizes,
    readonly signal: AbortSignal,
    readonly onNotice: (message: string) => void,
  ) {}

  async use<Result>(action: (session: RestoreSession) => Promise<Result>): Promise<Result> {
    const session = this.#idle.pop() ?? (await this.#open())
    this.#busy.add(session)
    try {
      const result = await action(session)
      this.#idle.push(session)
      return result
    } catch (error) {
      if (isLost(error)) session.session.destroy()
      else this.#idle.push(session)
      throw error
    } finally {
      this.#busy.delete(session)
    }
  }

  /**
   * In another session when one is lost. The work may have been done just before: `again` says that what is
   * there may be ours.
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
        const wait = reconnectPausesMs[attempt]
        // Nobody waits again for a server that did not come back.
        this.#isGone = wait === undefined
        if (wait === undefined) throw error
        this.onNotice(`${(error as Error).message}: what was under way is done again in ${wait / 1000} s`)
        await pause(wait, this.signal)
      }
    }
  }

  /** What is there at a second time is ours, or was there already, and is kept either way. */
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

  async cancel(): Promise<void> {
    await Promise.allSettled([...this.#busy].map(({ session }) => session.cancel()))
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#idle, ...this.#busy].map(({ session }) => session.close()))
    this.#idle = []
  }

  async #open(): Promise<RestoreSession> {
    return this.#prepare(await Session.open(this.settings, { signal: this.signal, onNotice: this.onNotice }))
  }

  async #prepare(session: Session): Promise<RestoreSession> {
    await session.execute(`
      set client_encoding = 'UTF8';
      set standard_conforming_strings = on;
      set search_path = '';
      set check_function_bodies = false;
      set xmloption = content;
      set client_min_messages = warning;
      set synchronous_commit = off;
      set maintenance_work_mem = '${this.sizes.maintenanceWorkMemKb}kB';
      set max_parallel_maintenance_workers = ${this.sizes.parallelMaintenanceWorkers};`)
    return new RestoreSession(session)
  }
}

type Placement = { tablespace?: string | undefined; accessMethod?: string | undefined }

export class RestoreSession {
  #tablespace: string | undefined
  #accessMethod: string | undefined

  constructor(readonly session: Session) {}

  async run(work: SqlWork, alsoKept: ReadonlySet<string>): Promise<SqlOutcome> {
    const setting = this.#placement(work)
    if (setting.length > 0) await this.session.execute(setting.join(';\n'))
    this.#rememberPlacement(work)
    const everything = [...work.statements, ...work.extras].join(';\n')
    try {
      // One round trip and one transaction in the usual case.
      await this.#patiently(everything)
      return { kept: false, refused: [] }
    } catch (error) {
      if (work.extras.length === 0 && !isKept(error, work, alsoKept)) throw error
    }
    const outcome: SqlOutcome = { kept: false, refused: [] }
    if (work.statements.length > 0) {
      try {
        await this.#patiently(work.statements.join(';\n'))
      } catch (error) {
        if (!isKept(error, work, alsoKept)) throw error
        // The owner and grants of what was there before are not ours to change.
        return { kept: true, refused: [] }
      }
    }
    for (const extra of work.extras) {
      try {
        await this.#patiently(extra)
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        outcome.refused.push(error)
      }
    }
    return outcome
  }

  async runTogether(works: readonly SqlWork[]): Promise<void> {
    const before = { tablespace: this.#tablespace, accessMethod: this.#accessMethod }
    const statements: string[] = []
    for (const work of works) {
      statements.push(...this.#placement(work), ...work.statements, ...work.extras)
      this.#rememberPlacement(work)
    }
    try {
      await this.session.execute(statements.join(';\n'))
    } catch (error) {
      // With everything else, the settings are taken back.
      this.#tablespace = before.tablespace
      this.#accessMethod = before.accessMethod
      throw error
    }
  }

  /** What has to be set for this work and is not yet. */
  #placement({ tablespace, accessMethod }: Placement): string[] {
    const settings: string[] = []
    if (tablespace !== undefined && tablespace !== this.#tablespace) {
      settings.push(`set default_tablespace = ${tablespace === '' ? "''" : quoteIdentifier(tablespace)}`)
    }
    if (accessMethod && accessMethod !== this.#accessMethod) {
      // As pg_dump wrote it, quotes included.
      settings.push(`set default_table_access_method = ${accessMethod}`)
    }
    return settings
  }

  #rememberPlacement({ tablespace, accessMethod }: Placement) {
    if (tablespace !== undefined) this.#tablespace = tablespace
    if (accessMethod) this.#accessMethod = accessMethod
  }

  async #patiently(sql: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.session.execute(sql)
      } catch (error) {
        const again = error instanceof ServerError && passing.has(error.sqlstate) && attempt < attempts
        if (!again) throw error
        await Bun.sleep(firstPauseMs * 2 ** attempt * (0.5 + Math.random()))
      }
    }
  }
}

function isKept(error: unknown, work: SqlWork, alsoKept: ReadonlySet<string>): boolean {
  return (
    work.mayExist &&
    error instanceof ServerError &&
    (exists.has(error.sqlstate) || alsoKept.has(error.sqlstate))
  )
}
