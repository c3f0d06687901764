// The two sessions of a copy worker, which are opened again after a lost connection, and the transaction on the destination
// with its outcome.

import { messageOf } from '../../shared/message-of.ts'
import { isMarked } from '../coordination/run-sessions.ts'
import { isLost, PgtrekError, ServerError, SnapshotLost } from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { markOf, markStatement } from '../postgres/run-mark.ts'
import { Session } from '../postgres/session.ts'
import { type LaneSettings, usualRetryPausesMs } from './lane-messages.ts'
import { pause } from './pause.ts'

/**
 * Another session's ALTER TABLE may wait for the run's own locks while we wait behind it: no server sees
 * that cycle, so the wait has a timeout.
 */
const sourceLockTimeout = '60s'

/** Workers of one table may wait for each other's rows for ever: after this time one of them copies the table alone. */
const usualSharedLockTimeoutMs = 10_000

export const runIsMissing = 'the process that runs the migration is not connected'

/** The lane cannot go on, and no other attempt would succeed. */
export class LaneEnded extends PgtrekError {}

/** The connection was lost during the commit, and its outcome could not be determined. */
export class CommitInDoubt extends PgtrekError {}

interface Transaction {
  id: string
  pid: number
}

export class LaneSessions {
  #source: Session | undefined
  #destination: Session | undefined
  #transaction: Transaction | undefined
  /** The transaction of a lost connection: the server may not have noticed the loss. */
  #orphan: Transaction | undefined

  constructor(readonly settings: LaneSettings) {}

  get source(): Session {
    if (!this.#source) throw new Error('a job was received before its sessions were open')
    return this.#source
  }

  get destination(): Session {
    if (!this.#destination) throw new Error('a job was received before its sessions were open')
    return this.#destination
  }

  get areOpen(): boolean {
    return this.#source !== undefined && this.#destination !== undefined
  }

  /** The open transaction of the destination. */
  get transaction(): string | undefined {
    return this.#transaction?.id
  }

  async open(signal: AbortSignal, confirmed: readonly string[] = []): Promise<void> {
    const { settings } = this
    if (!this.#source) {
      this.#source = await Session.open(settings.source, { signal })
      await this.renewSnapshot()
    }
    if (!this.#destination) {
      const destination = await Session.open(settings.destination, { signal })
      this.#destination = destination
      if (settings.lease !== undefined) await destination.execute(markStatement(markOf(settings.lease)))
      if (this.#orphan) await endTransaction(destination, this.#orphan, signal)
      this.#orphan = undefined
      await checkConfirmed(destination, confirmed)
    }
  }

  /** A new transaction sees the same rows, and has none of the locks of earlier ones. */
  async renewSnapshot(): Promise<void> {
    const { source } = this
    await source.execute('rollback')
    await source.execute(`
      begin isolation level repeatable read, read only;
      ${alikeSettings(this.settings.clientEncoding)}
      set local lock_timeout = '${sourceLockTimeout}';
      set local synchronize_seqscans = off;`)
    try {
      await source.execute(`set transaction snapshot ${quoteLiteral(this.settings.snapshot)}`)
    } catch (error) {
      if (!(error instanceof ServerError) || isLost(error)) throw error
      throw new SnapshotLost(
        `the run's snapshot of the source is lost, since the session that holds it has ended (${error.message}): ` +
          'the remaining rows cannot be read consistently. Start the run again.',
      )
    }
  }

  async begin(shared: boolean): Promise<void> {
    const { destination } = this
    const { clientEncoding, durable, replica, sharedLockTimeoutMs = usualSharedLockTimeoutMs } = this.settings
    const timeout = shared ? `set local lock_timeout = ${sharedLockTimeoutMs};` : ''
    // For several statements at once the result is a list with the rows of each.
    const answers: unknown = await destination.query(`
      begin;
      ${alikeSettings(clientEncoding)}
      set local synchronous_commit = ${durable ? 'on' : 'off'};
      ${replica ? 'set local session_replication_role = replica;' : ''}
      ${timeout}
      select pg_catalog.txid_current()::text as id`)
    const [row] = (answers as { id: string }[][]).at(-1) ?? []
    if (!row) throw new Error('the server returned no transaction ID')
    this.#transaction = { id: row.id, pid: destination.pid }
  }

  /** Checks deferred constraints and the run's mark now, while every part can still be rolled back. */
  async prepare(): Promise<string> {
    const { presence } = this.settings
    await this.destination.execute('set constraints all immediate')
    if (presence !== undefined && !(await isMarked(presence, this.destination))) {
      throw new LaneEnded(runIsMissing)
    }
    if (!this.#transaction) throw new Error('there is no transaction to commit')
    return this.#transaction.id
  }

  async rollback(): Promise<void> {
    if (!this.#transaction) return
    await this.destination.execute('rollback')
    this.#transaction = undefined
  }

  /** Returns when the commit is certain. A lost-connection error means that it was not committed. */
  async commit(signal: AbortSignal): Promise<string> {
    const transaction = this.#transaction
    if (!transaction) throw new Error('there is no transaction to commit')
    try {
      await this.destination.execute('commit')
    } catch (error) {
      if (!isLost(error)) throw error
      this.#destination?.destroy()
      this.#destination = undefined
      if (!(await wasCommitted(this.settings, transaction, error, signal))) throw error
    }
    this.#transaction = undefined
    return transaction.id
  }

  /** After an error the state of the sessions is unknown, and the destination's transaction must not survive. */
  drop() {
    this.#source?.destroy()
    this.#destination?.destroy()
    this.#source = undefined
    this.#destination = undefined
    this.#orphan = this.#transaction ?? this.#orphan
    this.#transaction = undefined
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#source?.close(), this.#destination?.close()])
  }
}

/**
 * Values are sent as text where binary is not safe: both servers must write and read it in the same way. The settings
 * end with the transaction.
 */
function alikeSettings(clientEncoding: string): string {
  return `
    set local client_encoding = ${quoteLiteral(clientEncoding)};
    set local datestyle = 'ISO';
    set local intervalstyle = 'postgres';
    set local extra_float_digits = 3;
    set local bytea_output = 'hex';
    set local lc_monetary = 'C';
    set local xmloption = 'content';
    set local search_path = '';
    set local row_security = off;`
}

/** https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT */
async function statusOf(session: Session, id: string): Promise<string | null> {
  const { status } = await session.one<{ status: string | null }>(
    `select pg_catalog.txid_status(${id}) as status`,
  )
  return status
}

/**
 * A lost session keeps the locks on its rows until the server notices that the client is gone, and this session
 * would wait for them. The process is identified by its pid and its transaction id.
 */
async function endTransaction(session: Session, { id, pid }: Transaction, signal: AbortSignal) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const left = await session.query(
      `select pg_catalog.pg_terminate_backend(pid)
         from pg_catalog.pg_stat_activity
        where pid = ${pid} and backend_xid = '${BigInt(id) & 0xffffffffn}'::xid`,
    )
    if (left.length === 0) return
    await pause(100, signal)
  }
}

async function wasCommitted(
  settings: LaneSettings,
  transaction: Transaction,
  lost: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  let reason = lost
  for (const wait of settings.retryPausesMs ?? usualRetryPausesMs) {
    try {
      await using session = await Session.open(settings.destination, { signal })
      await endTransaction(session, transaction, signal)
      const status = await statusOf(session, transaction.id)
      if (status === 'committed') return true
      if (status === 'aborted') return false
    } catch (error) {
      if (isUnknownTransaction(error)) return false
      if (!isLost(error)) throw inDoubt(error)
      reason = error
    }
    await pause(wait, signal)
  }
  throw inDoubt(reason)
}

function inDoubt(reason: unknown): CommitInDoubt {
  const words = messageOf(reason)
  return new CommitInDoubt(
    `the connection was lost during the commit of the rows, and whether it succeeded could not be determined: ${words}`,
  )
}

/** 22023: the transaction id is in the future. A server that crashed has lost what it had not written. */
function isUnknownTransaction(error: unknown): boolean {
  return error instanceof ServerError && error.sqlstate === '22023'
}

/** Null when the transaction is too old for the server to know. */
export async function outcomeOf(session: Session, id: string): Promise<string | null> {
  try {
    return await statusOf(session, id)
  } catch (error) {
    if (!isUnknownTransaction(error)) throw error
    return 'aborted'
  }
}

/**
 * Copy workers commit asynchronously. A server that crashes may lose transactions that it has confirmed, and rows
 * that were reported as copied would be missing.
 */
export async function checkConfirmed(session: Session, confirmed: readonly string[]): Promise<void> {
  for (const id of confirmed) {
    if ((await outcomeOf(session, id)) === 'aborted') {
      throw new LaneEnded(
        'the server of the destination crashed and lost transactions that it had confirmed: the rows of this run are not ' +
          'complete. Start the run again.',
      )
    }
  }
}
