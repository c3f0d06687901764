// `npm run bench`: pgtrek and the tools it is compared with copy the same databases between two servers of
// this machine, in turn and in several rounds. docs/performance.md has the results.
import { Command } from 'commander'
import { type Contender, type Copy, otherTools, pgtrekClone, type Result } from '../tools/bench/contenders.ts'
import { describeCost } from '../tools/bench/figures.ts'
import { benchMerge } from '../tools/bench/merge.ts'
import { pgtrekCommand } from '../tools/bench/programs.ts'
import { type Measured, showLines, summarizeRounds } from '../tools/bench/report.ts'
import { durableSettings, listOf, majorFlag, numbersOf, withServers } from '../tools/bench/setup.ts'
import {
  type Fingerprint,
  fingerprint,
  manyTables,
  mixed,
  pgbench,
  type Workload,
  wide,
} from '../tools/bench/workloads.ts'
import type { Cluster, TestDatabase } from '../tools/servers/clusters.ts'
import { scratchDirectory } from '../tools/servers/scratch.ts'

interface Flags {
  major: string
  scale: number
  mixedRows: number
  wideMegabytes: number
  tables: number
  mergeRows: number
  batches: number[]
  rounds: number
  jobs: number
  workloads?: string[]
  only?: string[]
  with: string[]
  executable: string[]
  json?: boolean
}

const serverSettings = {
  ...durableSettings,
  wal_level: 'replica',
  // pg_dump locks all tables at once, also when pgtrek runs it.
  max_locks_per_transaction: '256',
}

let targets = 0
/** Dropped after the last measurement: deleting many files slows ext4 down for minutes. */
const leftovers: TestDatabase[] = []

const collect = (value: string, values: string[]) => [...values, value]

const flags = new Command('bench')
  .description('measure pgtrek against psql, pg_dump | pg_restore and pgcopydb')
  .addOption(majorFlag())
  .option('--scale <number>', 'pgbench scale: 100,000 accounts each', Number, 50)
  .option('--mixed-rows <count>', 'rows of the mixed table', Number, 500_000)
  .option('--wide-megabytes <size>', 'size of a wide value', Number, 200)
  .option('--tables <count>', 'also copy this many small tables', Number, 0)
  .option(
    '--merge-rows <count>',
    'rows of the merge workload, which runs when it is named',
    Number,
    1_000_000,
  )
  .option('--batches <sizes>', 'batch sizes of the merge workload', numbersOf, [1000])
  .option('--rounds <count>', 'how often everything is measured', Number, 3)
  .option('--jobs <count>', 'processes of the other tools', Number, navigator.hardwareConcurrency)
  .option('--workloads <names>', 'some of pgbench, mixed, wide, tables, merge', listOf)
  .option('--only <names>', 'some of clone, psql, pg_dump, pgcopydb', listOf)
  .option('--with <flags>', 'clone once more with these flags (may be repeated)', collect, [])
  .option(
    '--executable <path>',
    'this build of pgtrek, not dist/ (may be repeated: the first is the reference)',
    collect,
    [],
  )
  .option('--json', 'print JSON with every round')
  .parse()
  .opts<Flags>()

if (flags.workloads?.includes('merge')) await withServers(flags.major, serverSettings, mergeRows)
if (!flags.workloads?.every((name) => name === 'merge')) {
  await withServers(flags.major, serverSettings, copyWorkloads)
}

async function copyWorkloads(source: Cluster, destination: Cluster) {
  const [contenders, reference] = chooseContenders()
  const measured: Measured[] = []
  for (const workload of chooseWorkloads()) {
    say(`loading ${workload.name}: ${workload.content}`)
    const database = await source.createDatabase(workload.name)
    await database.sql(workload.fill)
    await database.sql('vacuum analyze')
    const expected = await fingerprint(database)
    const suited = contenders.filter(({ scope }) => scope === 'whole' || workload.bigTable)
    const results = suited.map((contender) => ({ contender, rounds: [] as Result[] }))
    // Not counted: in the first copy the server writes its WAL to new files, later to recycled ones.
    if (suited[0]) await measure(suited[0], workload, expected, { source, destination })
    for (let round = 1; round <= flags.rounds; round++) {
      for (const { contender, rounds } of rotated(results, round - 1)) {
        const result = await measure(contender, workload, expected, { source, destination })
        rounds.push(result)
        say(`round ${round}, ${workload.name}, ${contender.name}: ${describeCost(result)}`)
      }
    }
    for (const { contender, rounds } of results) {
      const { name, scope } = contender
      measured.push({ workload: workload.name, contender: name, scope, rounds })
    }
    for (const target of leftovers.splice(0)) await target.drop()
    await database.drop()
  }
  const lines = summarizeRounds(measured, reference)
  console.log(flags.json ? JSON.stringify({ flags, lines, measured }) : showLines(lines, reference))
}

async function mergeRows(source: Cluster, destination: Cluster) {
  const { mergeRows: rows, batches: batchSizes, rounds } = flags
  const lines = await benchMerge({ source, destination, rows, rounds, batchSizes, say })
  console.log(lines.join('\n'))
}

/** Also returns the name of the reference, with which the others are compared. */
function chooseContenders(): [Contender[], string] {
  const commands = flags.executable.length > 0 ? flags.executable.map((path) => [path]) : [pgtrekCommand()]
  const clones = commands.flatMap((command, index) => {
    const name = index === 0 ? 'clone' : `clone by ${command.join(' ')}`
    say(`${name} is ${command.join(' ')}`)
    const variants = flags.with.map((text) => pgtrekClone(`${name} ${text}`, command, text.split(' ')))
    return [pgtrekClone(name, command, []), ...variants]
  })
  const others = otherTools(Number(flags.major), flags.jobs, (what) =>
    say(`not installed, left out: ${what}`),
  )
  const wanted = (name: string) => flags.only?.some((word) => name.startsWith(word)) ?? true
  return [[...clones, ...others].filter(({ name }) => wanted(name)), 'clone']
}

function chooseWorkloads(): Workload[] {
  const workloads = [pgbench(flags.scale), mixed(flags.mixedRows), wide(3, flags.wideMegabytes)]
  if (flags.tables > 0) workloads.push(manyTables(flags.tables))
  return workloads.filter(({ name }) => flags.workloads?.includes(name) ?? true)
}

/** Copies into a new database after a checkpoint, and checks the copy. */
async function measure(
  contender: Contender,
  workload: Workload,
  expected: Fingerprint,
  { source, destination }: { source: Cluster; destination: Cluster },
): Promise<Result> {
  const target = await destination.createDatabase(`target_${++targets}`)
  try {
    const copy: Copy = {
      source: source.url(workload.name),
      destination: target.url,
      workload,
      scratch: scratchDirectory(),
    }
    if (contender.scope === 'data') await makeBareTable(source, copy, target.sql)
    await Promise.all([source, destination].map((server) => server.sql('postgres', 'checkpoint')))
    const result = await contender.copy(copy)
    checkCopy(contender, await fingerprint(target), expected, workload)
    return result
  } finally {
    if (workload.hasManyFiles) leftovers.push(target)
    else await target.drop()
  }
}

async function makeBareTable(source: Cluster, { workload }: Copy, sql: (text: string) => Promise<unknown>) {
  const [row] = await source.sql<{ columns: string }>(
    workload.name,
    `select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) as columns
       from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
    [workload.bigTable ?? ''],
  )
  await sql(`create table ${workload.bigTable} (${row?.columns})`)
}

function checkCopy(
  { name, scope }: Contender,
  found: Fingerprint,
  expected: Fingerprint,
  workload: Workload,
) {
  const big = workload.bigTable ?? ''
  const [has, should] =
    scope === 'data'
      ? [found.rows[big], expected.rows[big]]
      : [found, expected].map((one) => ({ rows: Object.entries(one.rows).sort(), objects: one.objects }))
  if (!Bun.deepEquals(has, should)) {
    throw new Error(
      `${name} did not copy ${workload.name} as it is:\n` +
        `found ${JSON.stringify(has)}\nexpected ${JSON.stringify(should)}`,
    )
  }
}

/** A contender is not always the first, nor always after the same other one. */
function rotated<T>(all: readonly T[], by: number): T[] {
  const start = by % Math.max(1, all.length)
  return [...all.slice(start), ...all.slice(0, start)]
}

function say(line: string) {
  console.error(line)
}
