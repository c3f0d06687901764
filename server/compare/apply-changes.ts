// Applies confirmed changes to the destination: each object in a transaction of its own, so that a failure leaves the
// object as it was.
import type { AppliedChange, SchemaChange } from '../../shared/comparison-api.ts'
import type { LockedObject } from '../coordination/advisory-locks.ts'
import { ConnectionLost, errorInfo } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { qualifiedNames } from '../schema/lexer.ts'
import { unquoted } from '../schema/plain-names.ts'

/** A statement that waits for a lock makes all later users of the table wait too. */
const lockTimeout = '10s'
const cancelAgainMs = 200

export interface ApplyRequest {
  destination: ConnectionSettings
  changes: readonly SchemaChange[]
  signal: AbortSignal
  onApplied: (change: AppliedChange) => void
}

/** Reports every change, also those that were not reached. Throws only if the destination cannot be reached at first. */
export async function applyChanges({ destination, changes, signal, onApplied }: ApplyRequest): Promise<void> {
  await using session = await Session.open(destination, { signal })
  let isOver = false
  for (const change of changes) {
    if (isOver || signal.aborted) {
      onApplied(reportOf(change, 'not_reached'))
      continue
    }
    const report = await applyOne(session, change, signal)
    isOver = report.status === 'unknown' || session.tap.socket.destroyed
    onApplied(report)
  }
}

async function applyOne(session: Session, change: SchemaChange, signal: AbortSignal): Promise<AppliedChange> {
  let isCommitting = false
  const ending = new AbortController()
  const stop = () => void cancelUntil(session, ending.signal)
  signal.addEventListener('abort', stop, { once: true })
  try {
    // For the transaction only: a pooler gives the session to others.
    await session.execute(
      `begin; set local search_path = ''; set local check_function_bodies = off; set local lock_timeout = '${lockTimeout}'`,
    )
    for (const statement of change.sql) {
      signal.throwIfAborted()
      await session.execute(statement)
    }
    signal.throwIfAborted()
    isCommitting = true
    await session.execute('commit')
    return reportOf(change, 'done')
  } catch (error) {
    // Whether a commit was carried out is known only to the server when its answer is lost.
    const isUnknown = isCommitting && error instanceof ConnectionLost
    ending.abort()
    if (!isUnknown) await session.execute('rollback').catch(() => session.destroy())
    if (isUnknown) return { ...reportOf(change, 'unknown'), error: errorInfo(error) }
    if (signal.aborted) return reportOf(change, 'not_reached')
    return { ...reportOf(change, 'failed'), error: errorInfo(error) }
  } finally {
    ending.abort()
    signal.removeEventListener('abort', stop)
  }
}

/** A cancel request that arrives before its statement has no effect, so it is repeated until the statement has ended. */
async function cancelUntil(session: Session, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await session.cancel().catch(() => session.destroy())
    await Bun.sleep(cancelAgainMs)
  }
}

function reportOf(
  { id, kind, schema, name, sql }: SchemaChange,
  status: AppliedChange['status'],
): AppliedChange {
  return { id, kind, ...(schema !== undefined && { schema }), name, sql, status }
}

/** The objects and everything that their statements name, so that no other run of pgtrek works on it at the same time. */
export function objectsOf(changes: readonly SchemaChange[]): LockedObject[] {
  return withoutTwins(
    changes.flatMap(({ schema = '', name, sql }) => [{ schema, name }, ...objectsNamed(sql)]),
  )
}

export function objectsNamed(statements: readonly string[]): LockedObject[] {
  const objects = statements.flatMap(qualifiedNames).flatMap((written) => {
    const [first, second] = written.match(/"(?:[^"]|"")*"|[^".]+/g) ?? []
    return first && second ? [{ schema: unquoted(first), name: unquoted(second) }] : []
  })
  return withoutTwins(objects)
}

function withoutTwins(objects: readonly LockedObject[]): LockedObject[] {
  return [...new Map(objects.map((one) => [JSON.stringify([one.schema, one.name]), one])).values()]
}
