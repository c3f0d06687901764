// Moves: what their next process needs, their last view, and the requests to the process that works on them. No
// passwords.

import { hostname } from 'node:os'
import type { FollowAction, FollowAnswer, FollowController } from '../../shared/follow-action.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { say } from '../../shared/say.ts'
import type { StorageFailure } from '../../shared/storage-failure.ts'
import { pollUntil } from '../system/poll.ts'
import { type Ask, type FollowMemory, type FollowRecord, MoveTaken } from './follow-memory.ts'
import { isAlive } from './processes.ts'
import type { StateDatabase } from './state-database.ts'

interface Row {
  name: string
  record: string | null
  view: string | null
  host: string | null
  process: number | null
}

/** A process that does not take up a request in this time is ending or hangs. */
const patienceMs = 10_000
const betweenLooksMs = 50
/** A process that works on a move writes every few seconds. */
const silentMs = 30_000

export class FollowStore implements FollowMemory {
  constructor(readonly database: StateDatabase) {
    database.define(`
      create table if not exists follow (
        name       text primary key,
        record     text,
        view       text,
        host       text,
        process    integer,
        changed_at integer not null
      ) strict;
      create table if not exists follow_ask (
        id       integer primary key autoincrement,
        follow   text not null,
        action   text not null,
        taken    integer not null default 0,
        answer   text
      ) strict`)
  }

  /** Most recently changed first. */
  names(): string[] {
    return this.database
      .query<{ name: string }, []>('select name from follow order by changed_at desc, name')
      .all()
      .map(({ name }) => name)
  }

  load(name: string): FollowRecord | undefined {
    const record = this.#row(name)?.record
    return record ? (JSON.parse(record) as FollowRecord) : undefined
  }

  save(record: FollowRecord) {
    this.database.durably(() =>
      this.database
        .query(
          `insert into follow (name, record, changed_at) values (?1, ?2, ?3)
             on conflict (name) do update set record = ?2, changed_at = ?3`,
          `record of ${record.name}`,
        )
        .run(record.name, JSON.stringify(record), Date.now()),
    )
  }

  forget(name: string) {
    this.database.query('delete from follow where name = ?').run(name)
    this.database.query('delete from follow_ask where follow = ?').run(name)
  }

  take(name: string) {
    const busy = this.database.transaction(() => {
      const worker = this.worker(name)
      const isHere = worker?.host === hostname()
      const isOurs = isHere && worker?.pid === process.pid
      // A machine that has disappeared writes nothing. If it only cannot reach this directory, its locks on the
      // servers still protect the move.
      const isGone = !isHere && this.silentSince(name) !== undefined
      if (worker && !isOurs && !isGone) return worker
      this.database
        .query(
          `insert into follow (name, host, process, changed_at) values (?1, ?2, ?3, ?4)
               on conflict (name) do update set host = ?2, process = ?3, changed_at = ?4`,
        )
        .run(name, hostname(), process.pid, Date.now())
      // The processes that made these requests do not wait any more.
      this.database.query('delete from follow_ask where follow = ?').run(name)
      return undefined
    })
    if (busy) throw new MoveTaken(`${name} is being followed by process ${busy.pid} on ${busy.host}`)
  }

  release(name: string) {
    this.database.query('update follow set host = null, process = null where name = ?').run(name)
  }

  /** The running process that works on the move. A process on another machine counts as running. */
  worker(name: string): { host: string; pid: number } | undefined {
    const row = this.#row(name)
    if (!row?.host || row.process === null) return undefined
    const { host, process: pid } = row
    return host !== hostname() || isAlive(pid) ? { host, pid } : undefined
  }

  /**
   * For a running process that has written nothing for so long that it probably cannot: since when, in milliseconds
   * since 1970.
   */
  silentSince(name: string): number | undefined {
    const row = this.database
      .query<{ changed_at: number }, [string]>('select changed_at from follow where name = ?')
      .get(name)
    const isSilent = row && Date.now() - row.changed_at > silentMs
    return isSilent && this.worker(name) ? row.changed_at : undefined
  }

  get failure(): StorageFailure | undefined {
    return this.database.failure
  }

  publish({ storage_failure: _, ...view }: FollowView) {
    this.database
      .query('update follow set view = ?, changed_at = ? where name = ?', `view of ${view.name}`)
      .run(JSON.stringify(view), Date.now(), view.name)
  }

  /** A killed process leaves its last view behind, and its successor may not have published one yet. */
  lastView(name: string): FollowView | undefined {
    const view = this.#row(name)?.view
    if (!view) return undefined
    const { process: worker, ...shown } = JSON.parse(view) as FollowView
    const { failure } = this.database
    const last: FollowView = failure ? { ...shown, storage_failure: failure } : shown
    if (!worker) return last
    const living = this.worker(name)
    const isIts = living?.pid === worker.pid && living.host === worker.host
    return isIts ? { ...last, process: worker } : lost(last)
  }

  /** For each move a text that changes with its view. It is faster to read than the views. */
  stamps(): Map<string, string> {
    const rows = this.database
      .query<{ name: string; changed_at: number }, []>(
        'select name, changed_at from follow where view is not null order by changed_at desc, name',
      )
      .all()
    return new Map(
      rows.map(({ name, changed_at }) => [name, `${changed_at} ${this.worker(name)?.pid ?? 'none'}`]),
    )
  }

  asked(name: string): Ask[] {
    const rows = this.database
      .query<{ id: number; action: string }, [string]>(
        'update follow_ask set taken = 1 where follow = ? and taken = 0 returning id, action',
      )
      .all(name)
    return rows.map(({ id, action }) => ({ id, action: JSON.parse(action) as FollowAction }))
  }

  answer(id: number, answer: FollowAnswer) {
    this.database.query('update follow_ask set answer = ? where id = ?').run(JSON.stringify(answer), id)
  }

  controller(name: string): FollowController {
    return { name, view: () => this.lastView(name), act: (action) => this.#ask(name, action) }
  }

  async #ask(name: string, action: FollowAction): Promise<FollowAnswer> {
    const notFollowed = {
      ok: false,
      message: `no process follows ${name}: start one with "pgtrek follow"`,
    } as const
    if (!this.worker(name)) return notFollowed
    const { lastInsertRowid: id } = this.database
      .query('insert into follow_ask (follow, action) values (?, ?)')
      .run(name, JSON.stringify(action))
    const { failure } = this.database
    if (failure) return this.#unreachable(name, failure)
    const look = (): FollowAnswer | undefined => {
      const row = this.database
        .query<{ answer: string | null }, [number]>('select answer from follow_ask where id = ?')
        .get(Number(id))
      if (row?.answer) return JSON.parse(row.answer) as FollowAnswer
      return this.worker(name) ? undefined : notFollowed
    }
    const answer = await pollUntil(look, (found) => found !== undefined, {
      everyMs: betweenLooksMs,
      withinMs: patienceMs,
    })
    if (answer) return answer
    const withdrawn = this.database
      .query('delete from follow_ask where id = ? and taken = 0 returning id')
      .all(Number(id))
    return {
      ok: false,
      message:
        withdrawn.length > 0
          ? `the process that follows ${name} does not answer; the request was withdrawn`
          : `the process that follows ${name} is still working on the request: see "pgtrek status" and its log for the result`,
    }
  }

  #unreachable(name: string, { reason }: StorageFailure): FollowAnswer {
    const { host, pid } = this.worker(name) ?? { host: hostname(), pid: undefined }
    const message =
      `${reason}: the request cannot be sent to the process that follows ${name}. ` +
      `Free space there and try again; SIGTERM stops process ${pid} on ${host} cleanly (kill ${pid})`
    return { ok: false, message }
  }

  #row(name: string): Row | null {
    return this.database
      .query<Row, [string]>('select name, record, view, host, process from follow where name = ?')
      .get(name)
  }
}

/** The cutover readiness in the last view does not hold any more. */
function lost(view: FollowView): FollowView {
  const { since: _, ...ready } = view.ready
  const reasons = [say`the process that followed has ended: continue with "pgtrek follow"`]
  return { ...view, state: 'lost', ready: { ...ready, green: false, reasons } }
}
