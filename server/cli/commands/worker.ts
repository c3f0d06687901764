// `pgtrek worker`: takes jobs from a queue and copies rows.
import { Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../../postgres/errors.ts'
import { resolveSettings } from '../../postgres/resolve-settings.ts'
import { queueOf } from '../../queue/job.ts'
import { openQueue } from '../../runs/open-queue.ts'
import { tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addConnectionFlags } from '../flags/connection.ts'
import { addQueueFlag, queueVariable } from '../flags/queue.ts'
import { knownEnds } from '../flags/worker-ends.ts'
import { interruptible } from '../interrupt.ts'
import { clock } from '../render/clock.ts'

interface WorkerFlags {
  concurrency: number
  healthPort?: number
  quiet?: boolean
}

export function workerCommand(): Command {
  const command = new Command('worker').description(
    'copy rows for runs started with --queue; any number of workers, on any machine',
  )
  addQueueFlag(command, 'database that holds the jobs')
  addConnectionFlags(command)
  command.addOption(
    new Option(
      '--config <file>',
      'connections: source, dest and queue as for clone, or the mappings of a fleet',
    ).helpGroup('Connections:'),
  )
  const own = (flags: string, meaning: string) => new Option(flags, meaning).helpGroup('Workers:')
  return command
    .addOption(
      own('--concurrency <count>', 'number of concurrent jobs; each uses one connection to either server')
        .argParser(count)
        .default(2)
        .env('PGTREK_CONCURRENCY'),
    )
    .addOption(own('--health-port <number>', 'port that serves /health, for "pgtrek health"').argParser(port))
    .addOption(new Option('--quiet', 'only warnings and errors'))
    .action(async () => {
      process.exitCode = await run(command)
    })
}

async function run(command: Command): Promise<number> {
  const flags = command.opts<WorkerFlags>()
  const say = (line: string) => {
    if (!flags.quiet) tell(`${clock(Date.now())} ${line}`)
  }
  const warn = (line: string) => tell(`warning: ${line}`)
  const known = knownEnds(command, process.env)
  if (!known.queue) {
    throw new UsageError(
      `no queue given: use --queue postgres://user@host/database, set ${queueVariable}, or write it into a --config file`,
    )
  }
  using interrupt = interruptible(() => say('stopping: uncommitted jobs return to the queue'))
  await using queue = await openQueue(known.queue, warn)
  if (!queue) return exitCode.cannotRun
  const { work } = await import('../../queue/worker.ts')
  let lookedAt = Date.now()
  await using _ = serveHealth(flags.healthPort, () => Date.now() - lookedAt, say)
  await work({
    queue,
    queues: known.mappings.map((mapping) => queueOf(mapping === undefined ? {} : { mapping })),
    concurrency: flags.concurrency,
    endsOf({ mapping }) {
      const { source, dest } = known.connectionsOf(mapping)
      return { source: resolveSettings(source), destination: resolveSettings(dest) }
    },
    signal: interrupt.signal,
    say,
    onLook: () => {
      lookedAt = Date.now()
    },
  })
  return exitCode.done
}

function count(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1 || number > 100)
    throw new InvalidArgumentError('It must be 1 to 100.')
  return number
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new InvalidArgumentError('It must be a port.')
  return Number(text)
}

/** A worker looks for jobs twice a second, except while the server of the queue is unreachable. */
const longestSilenceMs = 150_000

/** For health checks: a worker has no page. */
function serveHealth(
  port: number | undefined,
  silence: () => number,
  say: (line: string) => void,
): AsyncDisposable {
  if (port === undefined) return { async [Symbol.asyncDispose]() {} }
  const server = Bun.serve({
    port,
    hostname: '127.0.0.1',
    fetch(request) {
      if (new URL(request.url).pathname !== '/health') return new Response('not found', { status: 404 })
      const isWell = silence() < longestSilenceMs
      return new Response(isWell ? 'ok' : 'not polling for jobs', { status: isWell ? 200 : 503 })
    },
  })
  say(`answers at http://127.0.0.1:${server.port}/health`)
  return {
    async [Symbol.asyncDispose]() {
      await server.stop(true)
    },
  }
}
