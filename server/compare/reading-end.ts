// One of the two databases, read by several sessions that all see the same moment of it.
import { readServer, type ServerFacts } from '../catalog/server.ts'
import { Cancelled, ConnectionLost, PlanRefused } from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'

/** Values are hashed as the servers write them, so both must write alike. */
const alikeSettings = `
  set local client_encoding = 'UTF8';
  set local datestyle = 'ISO';
  set local intervalstyle = 'postgres';
  set local timezone = 'UTC';
  set local extra_float_digits = 3;
  set local bytea_output = 'hex';
  set local lc_monetary = 'C';
  set local xmloption = 'content';
  set local xmlbinary = 'base64';
  set local quote_all_identifiers = off;
  set local search_path = '';
  set local row_security = off;
  set local lock_timeout = '60s';`

/** A transaction keeps its locks to its end, and a server has room for a few thousand only. */
const usesPerTransaction = 100

const oldestMajor = 12

interface Reader {
  session: Session
  uses: number
}

export interface ReadingEndOptions {
  /** Exported by the caller, whose transaction must stay open; without it we export one. */
  snapshot?: string | undefined
  /** Locks on tables end with each use of a session, so that nobody waits for them for long. */
  shortLocks?: boolean | undefined
  signal: AbortSignal
}

export class ReadingEnd implements AsyncDisposable {
  readonly #idle: Reader[] = []
  readonly #busy = new Set<Reader>()
  readonly #waiting: { resolve: () => void; reject: (reason: unknown) => void }[] = []
  #taken = 0
  #limit = 1

  private constructor(
    readonly settings: ConnectionSettings,
    /** In the snapshot, for catalogs; it keeps the snapshot alive and takes no locks on tables for long. */
    readonly catalog: Session,
    readonly snapshot: string,
    readonly server: ServerFacts,
    private readonly signal: AbortSignal,
    private readonly usesPerTransaction: number,
  ) {
    signal.addEventListener('abort', this.#abort)
  }

  static async open(settings: ConnectionSettings, options: ReadingEndOptions): Promise<ReadingEnd> {
    const { signal } = options
    const session = await Session.open(settings, { signal })
    const stop = () => void session.cancel().catch(() => session.destroy())
    signal.addEventListener('abort', stop)
    try {
      if (session.major < oldestMajor) {
        throw new PlanRefused(
          `${describeSettings(settings)} is PostgreSQL ${session.major}; ${oldestMajor} is the oldest supported version`,
        )
      }
      await enter(session, options.snapshot)
      const snapshot = options.snapshot ?? (await exportSnapshot(session))
      return new ReadingEnd(
        settings,
        session,
        snapshot,
        await readServer(session),
        signal,
        options.shortLocks ? 1 : usesPerTransaction,
      )
    } catch (error) {
      session.destroy()
      throw signal.aborted ? new Cancelled() : error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** How many sessions may read at once. Each opens when it is first needed. */
  set workers(count: number) {
    this.#limit = Math.max(1, Math.min(count, this.server.freeConnections))
  }

  get workers(): number {
    return this.#limit
  }

  /** First come, first served. What fails on one table leaves the session fit for the next. */
  async read<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    await this.#turn()
    try {
      const reader = await this.#reader()
      this.#busy.add(reader)
      try {
        if (this.signal.aborted) throw new Cancelled()
        return await work(reader.session)
      } catch (error) {
        // Its transaction is broken; the next use begins another.
        reader.uses = this.usesPerTransaction
        if (error instanceof ConnectionLost) reader.session.destroy()
        throw error
      } finally {
        this.#busy.delete(reader)
        if (this.usesPerTransaction === 1) await endTransaction(reader)
        if (!reader.session.tap.socket.destroyed) this.#idle.push(reader)
      }
    } catch (error) {
      throw this.signal.aborted ? new Cancelled() : error
    } finally {
      this.#passOn()
    }
  }

  async [Symbol.asyncDispose]() {
    this.signal.removeEventListener('abort', this.#abort)
    for (const { session } of this.#busy) session.destroy()
    await Promise.all([this.catalog, ...this.#idle.map(({ session }) => session)].map((one) => one.close()))
  }

  async #turn(): Promise<void> {
    if (this.signal.aborted) throw new Cancelled()
    if (this.#taken < this.#limit) {
      this.#taken++
      return
    }
    const turn = Promise.withResolvers<void>()
    this.#waiting.push(turn)
    await turn.promise
  }

  #passOn() {
    const next = this.#waiting.shift()
    if (next) next.resolve()
    else this.#taken--
  }

  async #reader(): Promise<Reader> {
    const reader = this.#idle.pop() ?? { session: await this.#open(), uses: this.usesPerTransaction }
    try {
      if (reader.uses >= this.usesPerTransaction) {
        await reader.session.execute('rollback')
        await enter(reader.session, this.snapshot)
        reader.uses = 0
      }
      reader.uses++
      return reader
    } catch (error) {
      reader.session.destroy()
      throw error
    }
  }

  async #open(): Promise<Session> {
    return await Session.open(this.settings, { signal: this.signal })
  }

  readonly #abort = () => {
    for (const { reject } of this.#waiting.splice(0)) reject(new Cancelled())
    void this.#cancelAll()
  }

  /** A request that arrives before the query it is meant for does nothing: so it is sent until all are done. */
  async #cancelAll(): Promise<void> {
    await cancel(this.catalog)
    while (this.#busy.size > 0) {
      await Promise.all([...this.#busy].map(({ session }) => cancel(session)))
      await Bun.sleep(cancelAgainMs)
    }
  }
}

/** What fails shows when the session is used again. */
async function endTransaction({ session }: Reader): Promise<void> {
  await session.execute('rollback').catch(() => session.destroy())
}

const cancelAgainMs = 200

async function cancel(session: Session): Promise<void> {
  try {
    await session.cancel()
  } catch {
    // The server cannot be reached to be asked; it will see the connection close.
    session.destroy()
  }
}

async function enter(session: Session, snapshot: string | undefined): Promise<void> {
  await session.execute(`begin isolation level repeatable read, read only; ${alikeSettings}`)
  if (snapshot !== undefined) await session.execute(`set transaction snapshot ${quoteLiteral(snapshot)}`)
}

async function exportSnapshot(session: Session): Promise<string> {
  const { snapshot } = await session.one<{ snapshot: string }>(
    'select pg_catalog.pg_export_snapshot() as snapshot',
  )
  return snapshot
}
