// `bun tools/regression/main.ts`: PostgreSQL 15's regression database is built on Debian's newest 15, cloned to
// a second one and to 18, and compared with the result of `pg_dump | psql`: pgtrek must not lose what that keeps.
// Needs Debian's postgresql-15, gcc and a network; installs nothing. Takes about five minutes.
import { Command } from 'commander'
import { compareData } from '../../server/compare/data.ts'
import { compareSchema } from '../../server/compare/schema.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { clone } from '../moves/clone.ts'
import { type Cluster, startCluster, stopAllClusters, type TestDatabase } from '../servers/clusters.ts'
import { debianPrograms } from '../servers/debian.ts'
import { buildRegressionDatabase, copyByPsql, copyRoles } from './build.ts'
import { objectsOf, rowsOf } from './contents.ts'

const { to } = new Command('regression-database')
  .option('--to <majors>', 'destinations', (text) => text.split(',').map(Number), [15, 18])
  .parse()
  .opts<{ to: number[] }>()

const mostShown = 60
let lost = 0
try {
  const programs = debianPrograms()
  if (typeof programs === 'string') throw new Error(programs)
  const from = await startCluster({ major: 15, debian: true })
  console.log(`PostgreSQL ${programs.version}: ${await buildRegressionDatabase(from)}`)
  const source = from.database('regression')
  for (const major of to) {
    const isSame = major === 15
    const there = await startCluster({ major: isSame ? 15 : 18, debian: isSame })
    await look(from, source, there, isSame)
    await there.stop()
  }
} finally {
  await stopAllClusters()
}
process.exit(lost > 0 ? 1 : 0)

/** Between servers of one major version nothing may differ; from 15 to 18 some objects cannot be created by any tool. */
async function look(from: Cluster, source: TestDatabase, there: Cluster, isSame: boolean) {
  console.log(`\n15 to ${there.major}`)
  await copyRoles(from, there)
  const [byPsql, byUs] = [await there.createDatabase('by_psql'), await there.createDatabase('by_pgtrek')]
  await copyByPsql(source.url, byPsql.url)
  const { failures, summary } = await clone(source, byUs)
  show('failed steps', failures)
  console.log(`  the clone ended as ${summary.status}`)
  for (const [what, read] of [
    ['objects', objectsOf],
    ['rows', rowsOf],
  ] as const) {
    const [theirs, ours] = [await read(byPsql), await read(byUs)]
    const missing = [...theirs].filter((one) => !ours.has(one))
    lost += missing.length
    show(`${what} that only pg_dump | psql has (of ${theirs.size})`, missing)
    show(
      `${what} that only pgtrek has`,
      [...ours].filter((one) => !theirs.has(one)),
    )
  }
  const ends = {
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: byUs.url }),
    signal: new AbortController().signal,
  }
  const schema = await compareSchema(ends)
  const differences = schema.differences.map(({ kind, schema, name, status, difference }) => {
    return `${kind} ${schema}.${name}: ${status}\n      ${difference.join('\n      ')}`
  })
  show(`differences of compare schema (${schema.compared} objects)`, differences)
  const data = await compareData(ends)
  const tables = data.tables.filter(({ status }) => status !== 'same')
  show(
    `differences of compare data (${data.tables.length} tables)`,
    tables.map((table) => JSON.stringify(table)),
  )
  if (isSame) lost += differences.length + tables.length
  show(
    'sequences that differ',
    (data.sequences?.differences ?? []).map((one) => JSON.stringify(one)),
  )
}

function show(what: string, lines: readonly string[]) {
  console.log(`  ${what}: ${lines.length}`)
  for (const line of lines.slice(0, mostShown)) console.log(`    ${line}`)
  if (lines.length > mostShown) console.log(`    and ${lines.length - mostShown} more`)
}
