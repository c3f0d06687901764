// Schedules, and what became of each due time. Exactly one process carries out a due time: the one that has written,
// to the disk and before it starts anything, up to which time the schedule is decided. A due time that was written
// is never run again, also not after a kill.
import { hostname } from 'node:os'
import type { EntryReason, EntryState, ScheduleDefinition, ScheduleEntry } from '../../shared/schedule-api.ts'
import { isAlive } from './processes.ts'
import type { Sealed } from './seal.ts'
import type { StateDatabase } from './state-database.ts'

export interface StoredSchedule {
  name: string
  definition: ScheduleDefinition
  webhook: Sealed | undefined
  /** Of the profile's request when the schedule was saved. */
  profile: ProfileMark
  confirmation: { at: number; destination: string } | undefined
  /** The start of an interval. */
  anchor: number
  /** Up to which time everything that was due is decided. */
  checked: number
}

/** Identifies the state of a profile without its secrets. */
export interface ProfileMark {
  request: string
  ends: string
}

export interface NewEntry {
  due: number
  trigger: ScheduleEntry['trigger']
  state: EntryState
  reason?: EntryReason
  message: string
  count?: number
}

interface Row {
  name: string
  content: string
  enabled: number
  checked: number
}

interface EntryRow {
  id: number
  schedule: string
  due: number
  due_trigger: ScheduleEntry['trigger']
  state: EntryState
  reason: EntryReason | null
  message: string
  due_count: number
  host: string
  process: number
  seen: number
  started: number | null
  finished: number | null
}

/** The entries that this process carries out, because its number may be that of a process that was killed. */
const entriesHere = new Set<string>()
/** A process on another machine writes more often. */
const silentMs = 120_000
/** Entries without a run are kept up to this number. */
const mostEntries = 500
const open = `('waiting', 'running', 'retrying')`

export class ScheduleStore {
  constructor(
    readonly database: StateDatabase,
    readonly now: () => number = Date.now,
  ) {
    database.define(`
      create table if not exists schedule (
        name    text primary key,
        content text not null,
        enabled integer not null,
        checked integer not null
      ) strict;
      create table if not exists schedule_entry (
        id          integer primary key autoincrement,
        schedule    text not null,
        due         integer not null,
        due_trigger text not null,
        state       text not null,
        reason      text,
        message     text not null,
        due_count   integer not null,
        host        text not null,
        process     integer not null,
        seen        integer not null,
        started     integer,
        finished    integer
      ) strict;
      create table if not exists schedule_attempt (
        run      text primary key,
        schedule text not null,
        entry    integer not null
      ) strict`)
  }

  list(): StoredSchedule[] {
    return this.database.query<Row, []>('select * from schedule order by name').all().map(stored)
  }

  find(name: string): StoredSchedule | undefined {
    const row = this.database.query<Row, [string]>('select * from schedule where name = ?').get(name)
    return row ? stored(row) : undefined
  }

  put({ name, checked, definition, ...rest }: StoredSchedule) {
    this.database.certainly(() =>
      this.database
        .query('insert or replace into schedule (name, content, enabled, checked) values (?, ?, ?, ?)')
        .run(name, JSON.stringify({ ...rest, definition }), definition.enabled ? 1 : 0, checked),
    )
  }

  /** What was due while it was disabled is neither run nor missed. */
  enable(name: string, enabled: boolean, now: number): boolean {
    return this.database.certainly(
      () =>
        this.database
          .query('update schedule set enabled = ?1, checked = max(checked, ?2) where name = ?3')
          .run(enabled ? 1 : 0, now, name).changes === 1,
    )
  }

  /** The migrations stay in the history. */
  remove(name: string): boolean {
    return this.database.certainly(() =>
      this.database.transaction(() => {
        const { changes } = this.database.query('delete from schedule where name = ?').run(name)
        this.database.query('delete from schedule_entry where schedule = ?').run(name)
        return changes === 1
      }),
    )
  }

  /**
   * Decides all due times up to `checked`, with these entries. Returns the number of each entry, or undefined if another
   * process has decided them. On the disk when it returns; throws a StateUnusable if that is not possible.
   */
  decide(name: string, before: number, checked: number, entries: readonly NewEntry[]): number[] | undefined {
    return this.#claim(() => {
      // A write is first, so that this process waits for the lock instead of failing with what it has read.
      const { changes } = this.database
        .query('update schedule set checked = ?1 where name = ?2 and checked = ?3 and enabled = 1')
        .run(checked, name, before)
      return changes === 1 ? entries.map((entry) => this.#add(name, entry)) : undefined
    })
  }

  /** For a run by hand. */
  add(name: string, entry: NewEntry): number {
    return this.#claim(() => this.#add(name, entry))
  }

  #claim<Result>(write: () => Result): Result {
    const { database } = this
    return database.certainly(() => database.durably(() => database.transaction(write)))
  }

  /** A new run is skipped if the previous one has not ended: this is decided under the lock of the write. */
  #add(name: string, entry: NewEntry): number {
    const now = this.now()
    const { due, trigger, count = 1 } = entry
    const running = entry.state === 'waiting' ? this.running(name) : undefined
    const { state, reason, message } = running
      ? {
          state: 'skipped' as const,
          reason: 'previous_runs' as const,
          message: `the run of ${new Date(running.due).toISOString()} has not ended`,
        }
      : { reason: undefined, ...entry }
    const isOpen = state === 'waiting'
    const { lastInsertRowid } = this.database
      .query(
        `insert into schedule_entry
           (schedule, due, due_trigger, state, reason, message, due_count, host, process, seen, finished)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        ...([name, due, trigger, state, reason ?? null, message, count] as const),
        ...([hostname(), process.pid, now, isOpen ? null : now] as const),
      )
    const id = Number(lastInsertRowid)
    if (isOpen) entriesHere.add(this.#here(id))
    return id
  }

  /** The entry that has not ended. */
  running(name: string): { id: number; due: number } | undefined {
    const rows = this.database
      .query<EntryRow, [string]>(`select * from schedule_entry where schedule = ? and state in ${open}`)
      .all(name)
    return rows.find((row) => this.#isAlive(row))
  }

  /** Entries whose process has ended without recording their end: now they are interrupted. */
  settle(): { id: number; schedule: string }[] {
    const rows = this.database
      .query<EntryRow, []>(`select * from schedule_entry where state in ${open}`)
      .all()
    return rows
      .filter((row) => !this.#isAlive(row))
      .filter(({ id, process: pid, host }) => {
        const message = `process ${pid} on ${host} ended before the run did. It is not started again by itself`
        return this.#end(id, 'interrupted', 'process_died', message)
      })
  }

  progress(id: number, state: 'running' | 'retrying', message: string) {
    this.database
      .query(
        `update schedule_entry set state = ?, message = ?, seen = ?, started = coalesce(started, ?) where id = ?`,
        `progress of entry ${id}`,
      )
      .run(state, message, this.now(), this.now(), id)
  }

  finish(id: number, state: EntryState, reason: EntryReason | undefined, message: string) {
    this.#end(id, state, reason, message)
    entriesHere.delete(this.#here(id))
  }

  #end(id: number, state: EntryState, reason: EntryReason | undefined, message: string): boolean {
    const { changes } = this.database
      .query(
        `update schedule_entry set state = ?, reason = ?, message = ?, finished = ? where id = ? and state in ${open}`,
        `end of entry ${id}`,
      )
      .run(state, reason ?? null, message, this.now(), id)
    return changes === 1
  }

  /** Tells processes on other machines that this one is alive. */
  beat() {
    const ids = this.database
      .query<{ id: number; host: string; process: number }, []>(
        `select id, host, process from schedule_entry where state in ${open}`,
      )
      .all()
      .filter(({ id, host }) => host === hostname() && entriesHere.has(this.#here(id)))
    for (const { id } of ids) {
      this.database
        .query('update schedule_entry set seen = ? where id = ?', `beat of entry ${id}`)
        .run(this.now(), id)
    }
  }

  /** Connects a migration to the entry that has started it. */
  attempt(run: string, schedule: string, entry: number) {
    this.database
      .query('insert or replace into schedule_attempt (run, schedule, entry) values (?, ?, ?)')
      .run(run, schedule, entry)
  }

  /** Latest first. */
  entries(name: string, limit: number): ScheduleEntry[] {
    return this.database
      .query<EntryRow, [string, number]>(
        'select * from schedule_entry where schedule = ? order by id desc limit ?',
      )
      .all(name, limit)
      .map((row) => this.#shown(row))
  }

  entry(id: number): ScheduleEntry | undefined {
    const row = this.database.query<EntryRow, [number]>('select * from schedule_entry where id = ?').get(id)
    return row ? this.#shown(row) : undefined
  }

  /** Migrations of this schedule that are older than those of its latest `keep` entries with one. */
  oldRuns(name: string, keep: number): string[] {
    return this.database
      .query<{ run: string }, [string, string, number]>(
        `select run from schedule_attempt
          where schedule = ? and entry not in (
            select entry from schedule_attempt where schedule = ? group by entry order by entry desc limit ?)`,
      )
      .all(name, name, keep)
      .map(({ run }) => run)
  }

  forgetEntries(name: string) {
    this.database
      .query(
        `delete from schedule_entry where schedule = ?1 and state not in ${open} and id not in (
           select id from schedule_entry where schedule = ?1 order by id desc limit ${mostEntries})`,
      )
      .run(name)
  }

  #shown(row: EntryRow): ScheduleEntry {
    const runs = this.database
      .query<{ run: string }, [number]>('select run from schedule_attempt where entry = ? order by rowid')
      .all(row.id)
    const { id, due_trigger: trigger, state, reason, message, due_count: count } = row
    return {
      ...{ id, trigger, state, reason, message, count },
      due_at: new Date(row.due).toISOString(),
      runs: runs.map(({ run }) => run),
      started_at: isoOf(row.started),
      finished_at: isoOf(row.finished),
    }
  }

  #isAlive({ id, host, process: pid, seen }: Pick<EntryRow, 'id' | 'host' | 'process' | 'seen'>): boolean {
    if (host !== hostname()) return this.now() - seen < silentMs
    return pid === process.pid ? entriesHere.has(this.#here(id)) : isAlive(pid)
  }

  #here(id: number): string {
    return `${this.database.directory}\0${id}`
  }
}

function stored({ name, content, enabled, checked }: Row): StoredSchedule {
  const rest = JSON.parse(content) as Omit<StoredSchedule, 'name' | 'checked'>
  return { ...rest, name, checked, definition: { ...rest.definition, enabled: enabled === 1 } }
}

function isoOf(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString()
}
