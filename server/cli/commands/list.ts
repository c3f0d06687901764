// `pgtrek list`: lists the tables of a database.
import { Command, InvalidArgumentError, Option } from 'commander'
import { eitherOf } from '../../../shared/option-table.ts'
import type { Selection } from '../../../shared/request.ts'
import { Selector } from '../../../shared/selector.ts'
import { describeUnmatched } from '../../../shared/unmatched.ts'
import { type Counts, countRows } from '../../catalog/exact-counts.ts'
import { type ListedTable, type Listing, readListing } from '../../catalog/listing.ts'
import { readServer } from '../../catalog/server.ts'
import { Cancelled, UsageError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { print, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addConfiguredConnectionFlags, settingsFor } from '../flags/connection.ts'
import { requestOf } from '../flags/request.ts'
import { addSelectionFlags } from '../flags/selection.ts'
import { interruptible } from '../interrupt.ts'
import { listAsJson, listLines } from '../render/list.ts'
import { Screen } from '../render/screen.ts'
import { styleFor } from '../render/style.ts'
import { type SortOrder, selectTables, sortOrders, treeOf } from '../render/table-tree.ts'

interface ListFlags {
  exact?: boolean
  sort: SortOrder
  json?: boolean
}

/** More sessions would only wait for the same disk. */
const mostSessions = 4

export function listCommand(): Command {
  const command = new Command('list').description('list tables with their rows and sizes')
  addConfiguredConnectionFlags(command, ['source'])
  addSelectionFlags(command, { kinds: false })
  command
    .option('--exact', 'count the rows instead of using the estimate')
    .addOption(
      new Option(`--sort <${sortOrders.join('|')}>`, 'largest first, most rows first, or by name')
        .argParser(sortOrder)
        .default('size'),
    )
    .option('--json', 'print one JSON object')
  return command.action(async () => {
    const { source, selection, warnings } = requestOf(command)
    const settings = settingsFor('source', source)
    for (const warning of [...warnings, ...settings.warnings]) tell(`warning: ${warning}`)
    process.exitCode = await list(settings, selection, command.opts<ListFlags>())
  })
}

async function list(settings: ConnectionSettings, selection: Selection, flags: ListFlags): Promise<number> {
  const exact = flags.exact ?? false
  using interrupt = interruptible(() => tell('stopping; repeat to stop immediately'))
  const { signal } = interrupt
  try {
    await using session = await Session.open(settings, { signal })
    const cancel = () => void session.cancel().catch(() => session.destroy())
    signal.addEventListener('abort', cancel, { once: true })
    await session.execute('begin isolation level repeatable read, read only')
    const listing = await readListing(session)
    const shown = selected(listing, selection)
    const counts = exact ? await counted(session, shown, signal) : undefined
    const trees = treeOf(listing.tables, shown, flags.sort, counts)
    if (listing.sizesEstimated)
      tell('warning: a table is locked: its sizes are from the last VACUUM or ANALYZE')
    print(
      flags.json
        ? [JSON.stringify(listAsJson(trees, exact, listing.sizesEstimated))]
        : listLines(trees, exact, styleFor(process.stdout.isTTY === true)),
    )
    return reportUncounted(shown, counts)
  } catch (error) {
    if (!signal.aborted && !(error instanceof Cancelled)) throw error
    return exitCode.cancelled
  }
}

/** Throws a UsageError for names that match nothing, before anything is printed. */
function selected({ tables, others, schemas }: Listing, selection: Selection): ListedTable[] {
  const selector = new Selector(selection)
  const shown = selectTables(tables, selector)
  for (const other of others) selector.verdict(other)
  for (const schema of schemas) selector.schemaVerdict(schema)
  const given = new Set(
    [selection.include, selection.exclude, selection.includeSchemas, selection.excludeSchemas].flat(),
  )
  const unmatched = describeUnmatched(
    selector.unused.filter((name) => given.has(name)),
    { schemas, relations: [...tables, ...others] },
  )
  if (unmatched.length > 0) throw new UsageError(unmatched.join('\n'))
  return shown
}

async function counted(
  session: Session,
  shown: readonly ListedTable[],
  signal: AbortSignal,
): Promise<Counts> {
  // Foreign tables are stored elsewhere, and partitioned tables have no rows of their own.
  const tables = shown.filter(({ kind }) => kind === 'table')
  const { freeConnections } = await readServer(session)
  const { snapshot } = await session.one<{ snapshot: string }>(
    'select pg_catalog.pg_export_snapshot() as snapshot',
  )
  const screen = process.stderr.isTTY ? new Screen(process.stderr) : undefined
  try {
    return await countRows(session.settings, tables, {
      snapshot,
      sessions: Math.min(mostSessions, freeConnections),
      signal,
      onCounted: (done) => screen?.draw([`counted ${done} of ${tables.length} tables`]),
    })
  } finally {
    screen?.close()
  }
}

function reportUncounted(shown: readonly ListedTable[], counts: Counts | undefined): number {
  const failed = shown.flatMap((table) => {
    const result = counts?.get(table.oid)
    return result instanceof Error ? [`${table.schema}.${table.name}: ${result.message}`] : []
  })
  for (const failure of failed) tell(`error: ${failure}`)
  return failed.length > 0 ? exitCode.failures : exitCode.done
}

function sortOrder(text: string): SortOrder {
  const order = sortOrders.find((one) => one === text)
  if (!order) throw new InvalidArgumentError(`It must be ${eitherOf(sortOrders)}.`)
  return order
}
