// The advisory locks of runs: their keys, and how a session takes several of them at once.
// https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
import { createHash } from 'node:crypto'
import { showName } from '../../shared/table-name.ts'
import type { Session } from '../postgres/session.ts'

/** "pgru": locks with two numbers. Every run holds the first in shared mode; a run that plans also holds the second. */
export const runClass = 0x70677275
export const presenceLock = 0
export const planningLock = 1

/** The server keeps all locks in one table of a fixed size. Our share of it is one in this many. */
const shareOfLockTable = 8

export interface LockedObject {
  /** Empty for what is in no schema. */
  schema: string
  name: string
}

export interface Lock {
  key: string
  isShared: boolean
  /** In messages. */
  what: string
}

/** Shared by all runs that lock objects of the database; exclusive for a run that has too many objects to name. */
export const databaseLock = (isShared: boolean): Lock => lockOf(['database'], 'the database', isShared)
export const moveLock = (name: string): Lock => lockOf(['move', name], `the move ${name}`, false)
/** It only shows that the run is active, and excludes no other. */
export const activityLock = (run: string): Lock => lockOf(['run', run], `run ${run}`, true)

function lockOf(path: readonly string[], what: string, isShared: boolean): Lock {
  const digest = createHash('sha256')
    .update(JSON.stringify(['pgtrek', ...path]))
    .digest()
  return { key: digest.readBigInt64BE().toString(), isShared, what }
}

/** A lock for each object. With too many objects one for each schema, with too many schemas one for the database. */
export async function locksFor(session: Session, objects: readonly LockedObject[]): Promise<Lock[]> {
  const { most } = await session.one<{ most: number }>(`
    select (current_setting('max_locks_per_transaction')::int
         * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int)
         / ${shareOfLockTable})::int as most`)
  const schemas = [...new Set(objects.map(({ schema }) => schema))]
  const ofSchema = (isShared: boolean) => (schema: string) =>
    lockOf(['schema', schema], schema === '' ? 'the database' : `schema ${schema}`, isShared)
  if (schemas.length + 1 > most) return [databaseLock(false)]
  if (schemas.length + objects.length + 1 > most) return [databaseLock(true), ...schemas.map(ofSchema(false))]
  return [
    databaseLock(true),
    ...schemas.map(ofSchema(true)),
    ...objects.map((one) =>
      lockOf(['object', one.schema, one.name], one.schema === '' ? one.name : showName(one), false),
    ),
  ]
}

/**
 * Takes all of them or none, and returns those that were not free. All runs take locks in the same order and without
 * waiting, so that two runs cannot deadlock.
 */
export async function tryLocks(session: Session, locks: readonly Lock[]): Promise<Lock[]> {
  if (locks.length === 0) return []
  const inOrder = locks.toSorted((one, other) => (BigInt(one.key) < BigInt(other.key) ? -1 : 1))
  const rows = await session.query<{ key: string; held: boolean }>(`
    select key::text as key,
           case when shared then pg_catalog.pg_try_advisory_lock_shared(key)
                else pg_catalog.pg_try_advisory_lock(key) end as held
      from ${rowsOf(inOrder)} as wanted(key, shared)`)
  const held = new Set(rows.filter((row) => row.held).map(({ key }) => key))
  const refused = inOrder.filter(({ key }) => !held.has(key))
  if (refused.length === 0) return []
  await session.query(`
    select case when shared then pg_catalog.pg_advisory_unlock_shared(key)
                else pg_catalog.pg_advisory_unlock(key) end
      from ${rowsOf(inOrder.filter(({ key }) => held.has(key)))} as taken(key, shared)`)
  return refused
}

/** For a FROM clause: key and mode of each lock. */
export function rowsOf(locks: readonly Lock[]): string {
  const keys = locks.map(({ key }) => key).join(',')
  const modes = locks.map(({ isShared }) => isShared).join(',')
  return `rows from (pg_catalog.unnest('{${keys}}'::pg_catalog.int8[]), pg_catalog.unnest('{${modes}}'::pg_catalog.bool[]))`
}
