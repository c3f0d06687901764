// What runs have suspended on a destination, recorded there so that later processes can read it from any machine and
// directory. A note is written in the transaction that suspends, and removed when everything is restored.

import { hostname } from 'node:os'
import { showName } from '../../shared/table-name.ts'
import type { TriggersOf } from '../catalog/existing.ts'
import type { ExistingForeignKey } from '../catalog/existing-foreign-keys.ts'
import { ServerError, sqlstate } from '../postgres/errors.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { pollUntil } from '../system/poll.ts'
import { runsAtWork } from './lock-holders.ts'
import { dropEmptySchema } from './own-schema.ts'
import { userName } from './session-name.ts'

export interface Note extends SavedItem {
  run: string
  /** The process that wrote it: user, machine, process and time. */
  writer: string
}

const table = 'pgtrek.taken_away'
const attempts = 5
const lockPatience = '2s'

/** Another run has created or dropped the table at the same moment. */
const racing: ReadonlySet<string> = new Set([
  '23505',
  sqlstate.duplicateSchema,
  sqlstate.duplicateTable,
  sqlstate.undefinedTable,
  sqlstate.undefinedSchema,
])
const denied: ReadonlySet<string> = new Set(['42501'])

let last = 0

/** In the order in which objects were dropped, also by several processes. */
export function newNoteId(): number {
  last = Math.max(last + 1, Date.now() * 1000 + Math.floor(Math.random() * 1000))
  return last
}

/**
 * Writes the note and runs `drop` in one transaction. Returns the server's words when the role may not write notes
 * there.
 */
export async function dropWithNote(
  session: Session,
  { id, run, saved }: Omit<Note, 'writer'>,
  drop: string,
): Promise<string | undefined> {
  const values = [quoteLiteral(run), quoteLiteral(writerName()), quoteLiteral(JSON.stringify(saved))]
  const note = `insert into ${table} (id, run, writer, saved) values (${id}, ${values.join(', ')})
    on conflict (id) do nothing`
  for (let attempt = 1; ; attempt++) {
    try {
      const refusal = await makeTable(session)
      if (refusal !== undefined) return refusal
      // One durable commit for both, so that nothing is dropped without a note on disk.
      await session.execute(`set local synchronous_commit = on; ${note}; ${drop}`)
      return undefined
    } catch (error) {
      if (!(error instanceof ServerError) || !racing.has(error.sqlstate) || attempt === attempts) throw error
      // The table of `drop` may be missing as well: then the next attempt fails in the same way.
      await Bun.sleep(20 * 2 ** attempt * (0.5 + Math.random()))
    }
  }
}

function writerName(): string {
  return `${userName()}@${hostname()}, process ${process.pid}, ${new Date().toISOString().slice(0, 16)}Z`
}

/** Undefined when the table exists and may be written to, otherwise the reason. */
async function makeTable(session: Session): Promise<string | undefined> {
  try {
    if (!(await hasTable(session))) {
      await session.execute(`
        create schema if not exists pgtrek;
        create table if not exists ${table} (
          id     bigint primary key,
          run    text not null,
          writer text not null,
          saved  text not null)`)
    }
    const owner = await ownerOfTable(session)
    if (owner && !owner.isTrusted) return wordsAbout(owner)
    const { may } = await session.one<{ may: boolean }>(
      `select bool_and(pg_catalog.has_table_privilege('${table}', p)) as may
         from pg_catalog.unnest('{select,insert,delete}'::text[]) p`,
    )
    return may ? undefined : `permission denied for table ${table}`
  } catch (error) {
    if (error instanceof ServerError && denied.has(error.sqlstate)) return error.message
    throw error
  }
}

async function hasTable(session: Session): Promise<boolean> {
  return (await ownerOfTable(session)) !== undefined
}

interface Owner {
  name: string
  isTrusted: boolean
}

/**
 * A note contains SQL that is run later. Any role that may create a schema could have created this one, and its
 * statements would run with the privileges of our role. Therefore the table must belong to our role or to a
 * superuser.
 */
async function ownerOfTable(session: Session): Promise<Owner | undefined> {
  const [row] = await session.query<Owner>(`
    select pg_catalog.pg_get_userbyid(c.relowner) as name,
           bool_and(r.rolsuper or r.rolname = current_user) as "isTrusted"
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_roles r on r.oid in (c.relowner, n.nspowner)
     where n.nspname = 'pgtrek' and c.relname = 'taken_away' and c.relkind = 'r'
     group by c.relowner`)
  return row
}

function wordsAbout({ name }: Owner): string {
  return `${table} on the destination belongs to role ${name}, which is not a superuser: statements in it are not run with the privileges of another role. Run "pgtrek repair" as ${name}`
}

export interface Notes {
  /** The table exists, and may be empty. */
  isThere: boolean
  /** There are notes that are not trusted: they would be run with the privileges of this role. */
  distrusted?: string | undefined
  left: Note[]
  busy: Note[]
}

/** Notes of ended runs, which have to be restored, and of runs that are still active. */
export async function readNotes(session: Session): Promise<Notes> {
  const owner = await ownerOfTable(session)
  if (owner && !owner.isTrusted) return { isThere: false, distrusted: wordsAbout(owner), left: [], busy: [] }
  const isThere = owner !== undefined
  const notes = await allNotes(session)
  const alive = await runsAtWork(session, [...new Set(notes.map(({ run }) => run))])
  return {
    isThere,
    left: notes.filter(({ run }) => !alive.has(run)),
    busy: notes.filter(({ run }) => alive.has(run)),
  }
}

/** A server needs a moment to notice that a process was killed. */
export async function readNotesWhenSettled(session: Session, patienceMs = 3000) {
  return await pollUntil(
    () => readNotes(session),
    ({ busy }) => busy.length === 0,
    { everyMs: 100, withinMs: patienceMs },
  )
}

async function allNotes(session: Session): Promise<Note[]> {
  if (!(await hasTable(session))) return []
  try {
    const rows = await session.query<{ id: number; run: string; writer: string; saved: string }>(
      `select id::float8 as id, run, writer, saved from ${table} order by ${table}.id`,
    )
    return rows.map(({ saved, ...row }) => ({ ...row, saved: JSON.parse(saved) as Saved }))
  } catch (error) {
    if (error instanceof ServerError && (racing.has(error.sqlstate) || denied.has(error.sqlstate))) return []
    throw error
  }
}

export async function forgetNote(session: Session, id: number): Promise<void> {
  if (await hasTable(session)) await session.query(`delete from ${table} where id = ${id}`)
}

/** Drops the table when it has no notes, and then the schema when it is empty. */
export async function tidyNotes(session: Session): Promise<void> {
  if (!(await ownerOfTable(session))?.isTrusted) return
  try {
    await session.execute(`
      set local lock_timeout = '${lockPatience}';
      lock table ${table} in access exclusive mode;
      do $$ begin
        if not exists (select from ${table}) then drop table ${table}; end if;
      end $$`)
    if (!(await hasTable(session))) await dropEmptySchema(session)
  } catch (error) {
    // Another run is writing there, and will tidy up itself. A role without the privilege to drop it leaves an empty
    // table.
    if (!(error instanceof ServerError)) throw error
  }
}

export function describeSaved(saved: Saved): string {
  return saved.kind === 'triggers'
    ? `triggers of ${showName(saved.table)}`
    : `foreign key "${saved.foreignKey.name}" of ${showName(saved.foreignKey.table)}`
}

/** One line for users. */
export function describeNote({ saved, run, writer }: Note): string {
  return `${describeSaved(saved)}, ${saved.kind === 'triggers' ? 'disabled' : 'dropped'} by run ${run} (${writer})`
}

/** What is suspended on the destination while rows are copied, and has to be restored. */
export type Saved =
  | { kind: 'foreign key'; foreignKey: ExistingForeignKey }
  | { kind: 'triggers'; table: TriggersOf }

export interface SavedItem {
  id: number
  saved: Saved
}
