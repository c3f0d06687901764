// The story of a preflight: both ends are opened, every check looks, the report says it all.
import type { CheckStatus, PreflightItem, PreflightReport } from '../../shared/preflight.ts'
import { defaultOptions, type MigrationOptions } from '../../shared/request.ts'
import { readDestination } from '../catalog/destination.ts'
import { readServer } from '../catalog/server.ts'
import { Cancelled, errorInfo, isLost } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { activityChecks } from './activity.ts'
import { capacityChecks } from './capacity.ts'
import type { Check, Sight } from './check.ts'
import { contentChecks } from './content.ts'
import { extensionChecks } from './extensions.ts'
import { followChecks } from './follow.ts'
import { landingChecks } from './landing.ts'
import { rightsChecks } from './rights.ts'
import { serverChecks } from './servers.ts'
import { textChecks } from './text.ts'

export const checks: readonly Check[] = [
  ...serverChecks,
  ...textChecks,
  ...extensionChecks,
  ...rightsChecks,
  ...capacityChecks,
  ...contentChecks,
  ...landingChecks,
  ...activityChecks,
  ...followChecks,
]

export interface Preflight {
  source: ConnectionSettings
  destination: ConnectionSettings
  /** Changes are to be followed as well. */
  follow: boolean
  options?: MigrationOptions
  /** Seconds from which on a transaction counts as long; five minutes unless told. */
  longTransaction?: number
  signal: AbortSignal
  onItem?: (item: PreflightItem) => void
}

/** A lock is somebody else's business to be told about, not to wait for. */
const patience = "set search_path = ''; set lock_timeout = '5s'; set statement_timeout = '60s'"

const mostObjects = 100

export async function preflight(request: Preflight): Promise<PreflightReport> {
  const { follow, signal, onItem } = request
  await using source = await Session.open(request.source, { signal })
  await using destination = await Session.open(request.destination, { signal })
  const cancel = () => {
    for (const session of [source, destination]) void session.cancel().catch(() => session.destroy())
  }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    await source.execute(`${patience}; set default_transaction_read_only = on`)
    await destination.execute(`${patience}; set default_transaction_read_only = on`)
    const sight: Sight = {
      source,
      destination,
      facts: { source: await readServer(source), destination: await readServer(destination) },
      lacks: await readDestination(destination),
      follow,
      options: request.options ?? defaultOptions,
      longTransaction: request.longTransaction ?? 300,
    }
    const items: PreflightItem[] = []
    for (const check of checks) {
      if (check.followOnly && !follow) continue
      signal.throwIfAborted()
      const item = await lookAt(check, sight)
      items.push(item)
      onItem?.(item)
    }
    return { status: worst(items), follow, items }
  } catch (error) {
    if (signal.aborted) throw new Cancelled()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

async function lookAt(check: Check, sight: Sight): Promise<PreflightItem> {
  const { id, title, why } = check
  try {
    const { status, found, todo, sql = [], objects = [] } = await check.look(sight)
    return {
      ...{ id, title, status, found, why },
      objects: objects.slice(0, mostObjects),
      total: objects.length,
      todo: todo ?? null,
      sql: sql.slice(0, mostObjects),
    }
  } catch (error) {
    // Without a session there is nothing more to learn; anything else concerns this check alone.
    if (isLost(error) || error instanceof Cancelled) throw error
    const info = errorInfo(error)
    return {
      ...{ id, title, status: 'warn', why },
      found: `this could not be looked at: ${info.message}`,
      objects: [],
      total: 0,
      todo: 'Look at it yourself, or connect as a role that may.',
      sql: [],
      error: info,
    }
  }
}

function worst(items: readonly PreflightItem[]): CheckStatus {
  if (items.some(({ status }) => status === 'fail')) return 'fail'
  return items.some(({ status }) => status === 'warn') ? 'warn' : 'ok'
}
