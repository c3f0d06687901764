// A preflight: opens both connections, runs all checks, and returns the report.

import { defaultOptions, everything } from '../../shared/defaults.ts'
import type { CheckStatus, PreflightItem, PreflightReport } from '../../shared/preflight.ts'
import type { MigrationOptions, Selection, TableRule } from '../../shared/request.ts'
import { say } from '../../shared/say.ts'
import { readDestination } from '../catalog/destination.ts'
import { readServer } from '../catalog/server.ts'
import { Cancelled, errorInfo, isLost, PoolerRefused } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { PublishedTable } from '../replication/stream/publication.ts'
import { managedBy } from '../roles/recognise.ts'
import { type Check, type CheckContext, itemOf } from './check.ts'
import { checks } from './checks.ts'
import { readRoleNames } from './global-objects.ts'
import { readScope } from './scope.ts'
import { poolerItem } from './servers.ts'

/** What would be migrated, and how. */
export interface PreflightRequest {
  /** Also run the checks for following changes. */
  follow: boolean
  selection?: Selection
  tables?: readonly TableRule[]
  options?: MigrationOptions
  /** The tables with rows, by `tableKey`, if a plan knows them better than the selection. */
  planned?: ReadonlySet<string>
  published?: readonly PublishedTable[]
  insertsOnly?: readonly string[]
  bidirectional?: boolean
  publication?: string | undefined
  /** Seconds from which on a transaction counts as long (default: five minutes). */
  longTransaction?: number
  /** Bytes from which on a value counts as large (default: 128 MB). */
  largeValue?: number
}

export interface Preflight extends PreflightRequest {
  source: ConnectionSettings
  destination: ConnectionSettings
  signal: AbortSignal
  onItem?: (item: PreflightItem) => void
  /** Default: all. */
  chosen?: readonly Check[]
}

export interface PreflightSessions {
  source: Session
  destination: Session
}

export async function preflight(request: Preflight): Promise<PreflightReport> {
  const { signal, onItem } = request
  await using stack = new AsyncDisposableStack()
  const opened = await Promise.allSettled(
    [request.source, request.destination].map((settings) => Session.open(settings, { signal })),
  )
  const [source, destination] = opened.map((one) =>
    one.status === 'fulfilled' ? stack.use(one.value) : undefined,
  )
  const failures = opened.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const refused = failures.filter((error) => error instanceof PoolerRefused)
  if (refused.length > 0 && refused.length === failures.length) {
    return unreached(request, poolerItem(refused.map(({ message }) => message)))
  }
  if (!source || !destination) throw failures.find((error) => !(error instanceof PoolerRefused))
  const cancel = () => {
    for (const session of [source, destination]) void session.cancel().catch(() => session.destroy())
  }
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const report = await runChecks({ source, destination }, request, request.chosen ?? checks, onItem)
    signal.throwIfAborted()
    return report
  } catch (error) {
    if (signal.aborted) throw new Cancelled()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** Without sessions nothing else can be checked. */
function unreached({ follow, onItem }: Preflight, item: PreflightItem): PreflightReport {
  onItem?.(item)
  return { status: item.status, follow, scope: { everything: false, tables: 0, of: 0 }, items: [item] }
}

/** Checks report locks instead of waiting for them. */
const limitWaits =
  "set search_path = ''; set default_transaction_read_only = on; set lock_timeout = '5s'; set statement_timeout = '60s'"
const resetSettings =
  'reset search_path; set default_transaction_read_only = off; set lock_timeout = 0; set statement_timeout = 0'

/** Needs sessions outside of a transaction, and resets their settings afterwards. */
export async function runChecks(
  { source, destination }: PreflightSessions,
  wanted: PreflightRequest,
  chosen: readonly Check[],
  onItem?: (item: PreflightItem) => void,
): Promise<PreflightReport> {
  const { follow } = wanted
  const sessions = [source, destination]
  await Promise.all(sessions.map((session) => session.execute(limitWaits)))
  const [ours, theirs, lacks, ourRoles, scope] = await Promise.all([
    readServer(source),
    readServer(destination),
    readDestination(destination),
    readRoleNames(source),
    readScope(source, wanted.selection ?? everything, wanted.planned),
  ])
  const context: CheckContext = {
    ...{ source, destination, lacks, scope, follow },
    facts: { source: ours, destination: theirs },
    managed: {
      source: ours.superuser ? undefined : managedBy(ourRoles),
      destination: theirs.superuser ? undefined : managedBy(lacks.roles.keys()),
    },
    options: wanted.options ?? defaultOptions,
    rules: wanted.tables ?? [],
    published: wanted.published,
    insertsOnly: wanted.insertsOnly ?? [],
    bidirectional: wanted.bidirectional ?? false,
    publication: wanted.publication,
    longTransaction: wanted.longTransaction ?? 300,
    largeValue: wanted.largeValue ?? 128 * 1024 * 1024,
  }
  const items = await lookAtAll(
    chosen.filter((check) => follow || !check.followOnly),
    context,
    onItem,
  )
  await Promise.all(sessions.map((session) => session.execute(resetSettings)))
  const { isEverything, tables, of } = scope
  return { status: worst(items), follow, scope: { everything: isEverything, tables, of }, items }
}

/**
 * Runs all checks at once and reports them in order. Their queries are pipelined, so that a distant server costs a few
 * round trips instead of one per query.
 */
async function lookAtAll(
  chosen: readonly Check[],
  context: CheckContext,
  onItem?: (item: PreflightItem) => void,
): Promise<PreflightItem[]> {
  const alone = chosen.filter(({ isMeasured }) => isMeasured)
  const measured = new Map<Check, PreflightItem>()
  for (const check of alone) measured.set(check, await lookAt(check, context))
  const looking = chosen.map(async (check) => measured.get(check) ?? (await lookAt(check, context)))
  const ended = Promise.allSettled(looking)
  try {
    const items: PreflightItem[] = []
    for (const one of looking) {
      const item = await one
      items.push(item)
      onItem?.(item)
    }
    return items
  } finally {
    // If one throws, the others are awaited first: they use the same sessions.
    await ended
  }
}

async function lookAt(check: Check, context: CheckContext): Promise<PreflightItem> {
  const { id, title, why } = check
  try {
    return itemOf(check, await check.look(context))
  } catch (error) {
    // A lost session ends the preflight; any other error affects only this check.
    if (isLost(error) || error instanceof Cancelled) throw error
    const info = errorInfo(error)
    return {
      ...{ id, title, status: 'warning', why },
      found: say`this could not be checked: ${info.message}`,
      objects: [],
      total: 0,
      todo: say`Check it yourself, or connect as a role with the necessary rights.`,
      sql: [],
      error: info,
    }
  }
}

export function worst(items: readonly { status: CheckStatus }[]): CheckStatus {
  if (items.some(({ status }) => status === 'blocker')) return 'blocker'
  return items.some(({ status }) => status === 'warning') ? 'warning' : 'ok'
}
