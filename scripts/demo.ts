// `npm run demo`: two temporary servers, a web shop with ten years of history on the old one, its migration to the new
// one by the real command, and a comparison that does not rely on the command's own result.

import { join } from 'node:path'
import { styleText } from 'node:util'
import { messageOf } from '../shared/message-of.ts'
import { fillShop, startShopServers } from '../tools/demo/shop.ts'
import { type Verdict, verify } from '../tools/demo/verify.ts'
import { stopAllClusters, type TestDatabase } from '../tools/servers/clusters.ts'
import { scratchDirectory } from '../tools/servers/scratch.ts'

const root = join(import.meta.dir, '..')
const shownDifferences = 10

try {
  process.exitCode = await demo()
} catch (error) {
  line(bad(`The demo failed: ${messageOf(error)}`))
  process.exitCode = 1
} finally {
  await stopAllClusters()
}

async function demo(): Promise<number> {
  title('Starting PostgreSQL 14, the source, and PostgreSQL 18, the destination')
  const { source, destination } = await startShopServers()

  title('Filling the source: a web shop with ten years of history')
  await fill(source)

  title('Migrating it: pgtrek clone')
  const code = await clone(source, destination)
  if (code !== 0) {
    line(bad(`pgtrek clone ended with exit code ${code}`))
    return 1
  }

  title('Comparing both, every row and every object')
  const verdicts = await timed(() => verify(source, destination))
  for (const verdict of verdicts) show(verdict)
  const different = verdicts.filter(({ differences }) => differences.length > 0)
  title(
    different.length === 0
      ? good('The destination is the same as the source.')
      : bad(`The destination differs in: ${different.map(({ kind }) => kind).join(', ')}.`),
  )
  return different.length === 0 ? 0 : 1
}

async function fill(database: TestDatabase) {
  await timed(() => fillShop(database))
  const [size] = await database.sql<{ tables: string; rows: string; size: string }>(`
    select count(*) as tables, to_char(sum(reltuples), 'FM999,999,999') as rows,
           pg_size_pretty(pg_database_size(current_database())) as size
      from pg_class
     where relkind = 'r' and relnamespace::regnamespace::text in ('shop', 'warehouse', 'audit')`)
  line(`${size?.rows} rows in ${size?.tables} tables, ${size?.size}`)
}

/** In a separate process, as users run it: progress bars on a terminal, plain lines elsewhere. */
async function clone(source: TestDatabase, destination: TestDatabase): Promise<number> {
  const directory = scratchDirectory()
  const child = Bun.spawn(
    [
      ...[process.execPath, join(root, 'server', 'main.ts'), 'clone'],
      ...['--source', source.url, '--dest', destination.url],
      ...['--log-dir', join(directory, 'logs'), '--state-dir', join(directory, 'state')],
    ],
    { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  return await child.exited
}

function show({ kind, amount, differences }: Verdict) {
  const verdict = differences.length === 0 ? good('the same') : bad('DIFFERENT')
  line(`${kind.padEnd(18)}${amount.padEnd(28)}${verdict}`)
  for (const difference of differences.slice(0, shownDifferences)) line(`  ${difference}`)
  const more = differences.length - shownDifferences
  if (more > 0) line(`  and ${more} more`)
}

async function timed<T>(work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await work()
  line(`took ${((performance.now() - start) / 1000).toFixed(1)} s`)
  return result
}

function title(text: string) {
  process.stdout.write(`\n${styleText('bold', text)}\n`)
}

function line(text: string) {
  process.stdout.write(`  ${text}\n`)
}

function good(text: string): string {
  return styleText('green', text)
}

function bad(text: string): string {
  return styleText(['bold', 'red'], text)
}
