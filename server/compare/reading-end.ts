// One of the two databases, read by several sessions in the same snapshot.
import { readServer, type ServerFacts } from '../catalog/server.ts'
import { Cancelled, ConnectionLost, PlanRefused } from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'

/** Values are hashed in their text form, so both servers must format them alike. */
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

/** A transaction keeps its locks until its end, and the lock table of a server has room for a few thousand. */
const usesPerTransaction = 100

const oldestMajor = 12

interface Reader {
  session: Session
  uses: number
}

export interface ReadingEndOptions {
  /** A snapshot that the caller has exported and keeps open; without it a new one is exported. */
  snapshot?: string | undefined
  /** Locks on tables are released after each use of a session, so that other sessions do not wait long for them. */
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
    /** Reads catalogs in the snapshot, keeps the snapshot open, and holds no locks on tables for long. */
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

  /** The maximum number of sessions. Each is opened when it is first needed. */
  set workers(count: number) {
    this.#limit = Math.max(1, Math.min(count, this.server.freeConnections))
  }

  get workers(): number {
    return this.#limit
  }

  /** Requests are served in order. After an error the session can be used for the next table. */
  async read<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    await this.#turn()
    try {
      const reader = await this.#reader()
      this.#busy.add(reader)
      try {
        if (this.signal.aborted) throw new Cancelled()
        return await work(reader.session)
      } catch (error) {
        // The transaction has failed; the next use starts another.
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

  /** A cancel request that arrives before its query has no effect, so it is repeated until all queries have ended. */
  async #cancelAll(): Promise<void> {
    await cancel(this.catalog)
    while (this.#busy.size > 0) {
      await Promise.all([...this.#busy].map(({ session }) => cancel(session)))
      await Bun.sleep(cancelAgainMs)
    }
  }
}

/** An error here appears again when the session is used next. */
async function endTransaction({ session }: Reader): Promise<void> {
  await session.execute('rollback').catch(() => session.destroy())
}

const cancelAgainMs = 200

async function cancel(session: Session): Promise<void> {
  try {
    await session.cancel()
  } catch {
    // The server is unreachable; it will notice the closed connection.
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
