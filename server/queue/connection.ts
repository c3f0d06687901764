// The connection to the queue's database: one session, opened again when it is lost, because a queue must survive a
// restart of its server.

import { messageOf } from '../../shared/message-of.ts'
import { ConnectFailed, isLost, PgtrekError, ServerError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { settledWithin } from '../system/deadline.ts'

/** Long enough for a server's restart or a failover. */
const patienceMs = 120_000
const firstPauseMs = 200
const longestPauseMs = 5000
/** A process that exits does not wait longer for a server that does not answer. */
const longestCloseMs = 5000

/** Decisions that are stored here are followed by commits on the destination: a crash must not lose them. */
const durable = `
  select pg_catalog.set_config('synchronous_commit', 'on', false)
   where pg_catalog.current_setting('synchronous_commit') = 'off'`

export class QueueConnection {
  #session: Session | undefined
  #wasOpen = false
  #closed = false
  #isClosing = false
  /** A session runs one statement after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    readonly settings: ConnectionSettings,
    readonly onWarning: (message: string) => void,
  ) {}

  get name(): string {
    return describeSettings(this.settings)
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.executeSql(text, values)
    return rows as Row[]
  }

  /**
   * The interface that pg-boss needs. A statement that was running when the connection broke is repeated: every
   * statement to this database may be executed twice.
   */
  executeSql(text: string, values: readonly unknown[] = []): Promise<{ rows: object[] }> {
    // The limit counts from the call. Counted from its turn, it would add up over all statements that wait before this one.
    const end = performance.now() + patienceMs
    const turn = this.#last.then(() => this.#patiently(text, values, end))
    this.#last = turn.catch(() => {})
    return turn
  }

  /** From now on a queue that is unavailable is not waited for. */
  hurry() {
    this.#isClosing = true
  }

  async close(): Promise<void> {
    this.hurry()
    if (!(await settledWithin(this.#last, longestCloseMs))) return this.destroy()
    this.#closed = true
    await this.#session?.close()
  }

  /** Closes without waiting. */
  destroy() {
    this.#closed = true
    this.#session?.destroy()
  }

  async #patiently(text: string, values: readonly unknown[], end: number): Promise<{ rows: object[] }> {
    for (let wait = firstPauseMs; ; wait = Math.min(2 * wait, longestPauseMs)) {
      if (this.#closed) throw new PgtrekError(`the connection to the queue (${this.name}) is closed`)
      try {
        return { rows: await this.#once(text, values) }
      } catch (error) {
        if (!this.#mayComeBack(error) || performance.now() > end || this.#isClosing || this.#closed)
          throw error
        this.#session?.destroy()
        this.#session = undefined
        if (wait === firstPauseMs) this.onWarning(`${messageOf(error)}: waiting for the queue`)
        await Bun.sleep(wait)
      }
    }
  }

  async #once(text: string, values: readonly unknown[]): Promise<object[]> {
    const session = await this.#open()
    try {
      const rows = await session.query<object>(text, values.map(asText))
      // For several statements the result is a list with the rows of each.
      return rows.flat()
    } catch (error) {
      // The statements may have begun a transaction.
      if (error instanceof ServerError && !isLost(error)) await session.execute('rollback')
      throw error
    }
  }

  async #open(): Promise<Session> {
    if (this.#session) return this.#session
    const session = await Session.open(this.settings, { writtenJson: true })
    this.#session = session
    this.#wasOpen = true
    await session.execute(durable)
    return session
  }

  /** Before the first session a failure to connect is more likely a wrong name or password. */
  #mayComeBack(error: unknown): boolean {
    return isLost(error) && (this.#wasOpen || !(error instanceof ConnectFailed))
  }
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function asText(value: unknown): string | number | null {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `{${value.map(element).join(',')}}`
  if (typeof value === 'object') return JSON.stringify(value)
  return typeof value === 'number' ? value : String(value)
}

function element(value: unknown): string {
  const text = asText(value)
  return text === null ? 'null' : `"${String(text).replaceAll(/["\\]/g, '\\$&')}"`
}
