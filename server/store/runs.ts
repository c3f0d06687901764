// The stored runs: each with its summary and progress, and with what it has suspended on a destination that cannot
// store notes itself. No passwords.
import { hostname } from 'node:os'
import { sizeOf } from '../../shared/run-size.ts'
import type { Summary } from '../../shared/summary.ts'
import type { Saved, SavedItem } from '../coordination/suspension-notes.ts'
import { UsageError } from '../postgres/errors.ts'
import { type ConnectionSettings, describeSettings } from '../postgres/settings.ts'
import { isRunning, runsHere } from './processes.ts'
import type { RunMemory, Unfinished } from './run-memory.ts'
import { stepKey } from './run-memory.ts'
import { StateDatabase, type StateOptions, StateUnusable } from './state-database.ts'

export interface RunEnds {
  source: ConnectionSettings
  destination: ConnectionSettings
}

interface RunRow {
  id: string
  started_at: string
  status: string
  request: string
  own: string
  summary: string | null
  host: string
  process: number
}

interface SuspendedRow {
  id: number
  destination: string
  run: string
  host: string
  process: number
  saved: string
}

export class RunStore implements Disposable {
  /** Also used by history, log and profiles. */
  readonly database: StateDatabase
  readonly #ended = new Map<string, string>()

  constructor(directory: string, options: StateOptions = {}) {
    this.database = new StateDatabase(directory, options)
    this.database.define(`
      create table if not exists run (
        id          text primary key,
        source      text not null,
        destination text not null,
        started_at  text not null,
        finished_at text,
        status      text not null,
        summary     text
      ) strict;
      create table if not exists run_plan (
        run     text primary key,
        host    text not null,
        process integer not null,
        request text not null,
        own     text not null
      ) strict;
      create table if not exists run_process (
        run     text primary key,
        host    text not null,
        process integer not null
      ) strict;
      create table if not exists run_size (
        run     text primary key,
        dry     integer not null,
        seconds real not null,
        size    text not null
      ) strict;
      create table if not exists run_step (
        run          text not null,
        step         text not null,
        rows         real not null default 0,
        bytes        real not null default 0,
        transactions text,
        done         integer not null,
        primary key (run, step)
      ) strict, without rowid;
      create table if not exists taken_away (
        id          integer primary key autoincrement,
        destination text not null,
        run         text not null,
        host        text not null,
        process     integer not null,
        saved       text not null
      ) strict`)
  }

  begin(id: string, ends: RunEnds): RunMemory {
    runsHere.add(id)
    this.database
      .query(
        `insert into run (id, source, destination, started_at, status) values (?, ?, ?, datetime('now'), 'running')`,
        beginningOf(id),
      )
      .run(id, describeSettings(ends.source), describeSettings(ends.destination))
    this.database
      .query('insert into run_process (run, host, process) values (?, ?, ?)')
      .run(id, hostname(), process.pid)
    return this.#memory(id, ends)
  }

  /** Together with a function that records the end, for callers without access to this store. */
  readonly beginRun = (id: string, ends: RunEnds) => ({
    memory: this.begin(id, ends),
    end: (summary: Summary) => this.end(id, summary),
  })

  end(id: string, summary: Summary) {
    runsHere.delete(id)
    this.database
      .query(`update run set finished_at = datetime('now'), status = ?, summary = ? where id = ?`, endOf(id))
      .run(summary.status, JSON.stringify(summary), id)
    this.database
      .query('insert or replace into run_size (run, dry, seconds, size) values (?, ?, ?, ?)', `size of ${id}`)
      .run(id, summary.planned ? 1 : 0, summary.elapsed_seconds, JSON.stringify(sizeOf(summary)))
    this.#ended.set(id, summary.status)
  }

  /** What runs that have ended left suspended, on all destinations or on one. */
  suspended(destination?: ConnectionSettings): (SavedItem & { destination: string })[] {
    return this.#suspended(destination)
      .filter((row) => !isRunning(row))
      .map(({ id, destination: place, saved }) => ({
        id,
        destination: place,
        saved: JSON.parse(saved) as Saved,
      }))
  }

  /** Processes of active runs, which will restore by themselves what they have suspended. */
  busyWith(destination: ConnectionSettings): number[] {
    const rows = this.#suspended(destination).filter(isRunning)
    return [...new Set(rows.map((row) => row.process))]
  }

  #suspended(destination?: ConnectionSettings): SuspendedRow[] {
    const rows = this.database
      .query<SuspendedRow, []>(
        'select id, destination, run, host, process, saved from taken_away order by id',
      )
      .all()
    const wanted = destination && placeOf(destination)
    return rows.filter((row) => wanted === undefined || row.destination === wanted)
  }

  /** Runs to this destination that have no result and are not active. */
  killed(destination: ConnectionSettings): string[] {
    const rows = this.database
      .query<{ run: string; destination: string; host: string; process: number }, []>(
        `select r.id as run, r.destination, p.host, p.process
           from run r
           join run_plan p on p.run = r.id
          where r.status in ('running', 'interrupted')`,
      )
      .all()
    // The killed run may have used another user.
    const place = describeSettings({ ...destination, user: '' })
    return rows.filter((row) => row.destination.endsWith(place) && !isRunning(row)).map(({ run }) => run)
  }

  forget(id: number) {
    this.database.query('delete from taken_away where id = ?').run(id)
  }

  #memory(run: string, ends: RunEnds): RunMemory {
    const database = this.database
    const place = placeOf(ends.destination)
    const plan = `plan of ${run}`
    // Read before this run stores a plan of its own.
    const hadEarlier = this.#lastPlanned(ends, run) !== undefined
    const done: RunMemory['done'] = (step, { rows, bytes }) => {
      database
        .query('insert or replace into run_step (run, step, rows, bytes, done) values (?, ?, ?, ?, 1)')
        .run(run, step, rows, bytes)
    }
    return {
      // In one transaction: a run that continues this one must not repeat steps that were found done.
      planned: (request, own, resumed) =>
        database.transaction(() => {
          database
            .query(
              'insert or replace into run_plan (run, host, process, request, own) values (?, ?, ?, ?, ?)',
              plan,
            )
            .run(run, hostname(), process.pid, request, JSON.stringify(own))
          for (const [step, moved] of resumed) done(step, moved)
        }),
      committing(step, transactions, { rows, bytes }) {
        const write = () =>
          database
            .query(
              'insert or replace into run_step (run, step, rows, bytes, transactions, done) values (?, ?, ?, ?, ?, 0)',
            )
            .run(run, step, rows, bytes, JSON.stringify(transactions))
        // Without a plan on the disk no run can be continued.
        if (hadEarlier || database.isOnDisk(plan)) certainlyNoted(database, write)
        else write()
      },
      done,
      unfinished: () => this.unfinished(ends, run),
      save: (id, saved) =>
        // On the disk before it is dropped on the destination, also in case of a crash of this machine.
        database.certainly(() =>
          database.durably(() =>
            database
              .query(
                'insert into taken_away (id, destination, run, host, process, saved) values (?, ?, ?, ?, ?, ?)',
              )
              .run(id, place, run, hostname(), process.pid, JSON.stringify(saved)),
          ),
        ),
      forget: (id) => this.forget(id),
      place: `the state directory ${database.directory}`,
      pending: () => this.suspended(ends.destination),
      killed: () => this.killed(ends.destination),
    }
  }

  /** The last run between these databases if it was not completed, without the `current` one. */
  unfinished(ends: RunEnds, current = ''): Unfinished | undefined {
    const last = this.#lastPlanned(ends, current)
    if (!last) return undefined
    if (last.status === 'running' && isRunning({ ...last, run: last.id })) {
      throw new UsageError(
        `run ${last.id} between these databases is still running in process ${last.process}`,
      )
    }
    const steps = this.database
      .query<
        { step: string; rows: number; bytes: number; transactions: string | null; done: number },
        [string]
      >('select step, rows, bytes, transactions, done from run_step where run = ?')
      .all(last.id)
    return {
      run: last.id,
      startedAt: last.started_at,
      request: last.request,
      left: leftIn(last),
      own: new Set(JSON.parse(last.own) as string[]),
      done: new Map(
        steps.filter(({ done }) => done === 1).map(({ step, rows, bytes }) => [step, { rows, bytes }]),
      ),
      committing: new Map(
        steps
          .filter(({ done, transactions }) => done === 0 && transactions !== null)
          .map(({ step, rows, bytes, transactions }) => [
            step,
            { rows, bytes, transactions: JSON.parse(transactions as string) as string[] },
          ]),
      ),
    }
  }

  /** The last run between these databases without the `current` one, if the disk does not show it as completed. */
  #lastPlanned({ source, destination }: RunEnds, current: string): RunRow | undefined {
    const last = this.database
      .query<RunRow, [string, string, string]>(
        `select r.id, r.started_at, r.status, r.summary, p.request, p.own, p.host, p.process
           from run r
           join run_plan p on p.run = r.id
          where r.source = ? and r.destination = ? and r.id <> ?
          order by r.rowid desc
          limit 1`,
      )
      .get(describeSettings(source), describeSettings(destination), current)
    return last?.status === 'completed' ? undefined : (last ?? undefined)
  }

  [Symbol.dispose]() {
    if (!this.database.flush()) for (const [id, status] of this.#ended) this.#reportLostEnd(id, status)
    this.database[Symbol.dispose]()
  }

  /** For a run that is still recorded as running on the disk. */
  #reportLostEnd(id: string, status: string) {
    if (!this.database.isOnDisk(beginningOf(id)) || this.database.isOnDisk(endOf(id))) return
    const resuming =
      status === 'completed'
        ? 'do not continue it with --resume, which would copy again rows that are already there'
        : '--resume would copy again the tables that are not recorded as done there'
    this.database.report(
      `the end of run ${id} (${status}) could not be written: "pgtrek status" will show it as interrupted; ${resuming}`,
    )
  }
}

function beginningOf(run: string): string {
  return `beginning of ${run}`
}

function endOf(run: string): string {
  return `end of ${run}`
}

/** On the disk before the rows are committed, also in case of a crash of this machine. */
function certainlyNoted(database: StateDatabase, write: () => void) {
  try {
    database.certainly(() => database.durably(write))
  } catch (error) {
    if (!(error instanceof StateUnusable)) throw error
    throw new StateUnusable(
      `${error.message}. The rows were not committed: after a kill, --resume would not know of them and would add them again. Free space there and continue with --resume`,
    )
  }
}

/** A run that was stopped, also at its first failure, has steps that were never tried. */
function leftIn({ status, summary: text }: Pick<RunRow, 'status' | 'summary'>): Set<string> | undefined {
  if (status !== 'completed_with_failures' || text === null) return undefined
  const { error, failed, skipped } = JSON.parse(text) as Summary
  if (error !== undefined) return undefined
  return new Set([...failed, ...skipped].map(stepKey))
}

/** Without the user, because a repair may use another one. */
function placeOf({ host, port, database }: ConnectionSettings): string {
  return `${host}:${port}/${database}`
}
