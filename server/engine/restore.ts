// Runs DDL on the destination: a few sessions, each statement with the settings that pg_dump wants around it.
import { Cancelled, isLost, ServerError, sqlstate } from '../postgres/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { Sizes } from './sizes.ts'
import type { SqlWork } from './step.ts'

const attempts = 6
const firstPauseMs = 50

/** How long a server may be away: it needs a moment to come back after a crash. */
const reconnects = 7
const firstReconnectPauseMs = 250
const longestReconnectPauseMs = 8000

/** Another session, often one of ours, was in the way: the same statement may succeed a moment later. */
const passing: ReadonlySet<string> = new Set([
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
  /** Nobody waits for a server that did not come back for the one before. */
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
   * In a session of the pool, and in another one when that is lost. The work may have been done just before: what
   * is there at the second time is ours, or was there already, and is kept either way.
   */
  async run(work: SqlWork, alsoKept: ReadonlySet<string>): Promise<SqlOutcome> {
    for (let attempt = 1; ; attempt++) {
      try {
        const again = attempt > 1 || this.#doubtful.has(work)
        const outcome = await this.use((session) => session.run(work, again ? alreadySo : alsoKept))
        this.#isGone = false
        return outcome
      } catch (error) {
        if (!isLost(error) || this.signal.aborted || this.#isGone) throw error
        if (attempt > reconnects) {
          this.#isGone = true
          throw error
        }
        const reason = error instanceof Error ? error.message : String(error)
        this.onNotice(`a statement on the destination is repeated in a new session: ${reason}`)
        await this.#pause(Math.min(longestReconnectPauseMs, firstReconnectPauseMs * 2 ** (attempt - 1)))
      }
    }
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

  async #pause(milliseconds: number): Promise<void> {
    const over = Promise.withResolvers<void>()
    const timer = setTimeout(over.resolve, milliseconds)
    const stop = () => over.resolve()
    this.signal.addEventListener('abort', stop, { once: true })
    await over.promise
    this.signal.removeEventListener('abort', stop)
    clearTimeout(timer)
    if (this.signal.aborted) throw new Cancelled()
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
