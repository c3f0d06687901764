// `pgtrek serve`: the page and the API.
import { Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../postgres/errors.ts'
import { hasDesktop, openBrowser } from './browser.ts'
import { exitCode } from './exit.ts'
import { interruptible } from './interrupt.ts'
import { version } from './version.ts'

interface ServeFlags {
  port: number
  host: string
  token?: string
  allowHost: string[]
  open?: boolean
  logDir: string
  stateDir: string
  allowCommands?: boolean
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('the page and the API, for a browser or scripts')
    .option('--port <number>', 'where to listen; 0 takes a free one', portNumber, 8080)
    .option('--host <address>', 'the address to listen on; another than localhost needs a token', 'localhost')
    .addOption(
      new Option('--token <secret>', 'what browsers and scripts must know; made up where it is needed').env(
        'PGTREK_TOKEN',
      ),
    )
    .option('--allow-host <name>', 'a further name by which browsers reach it (may be repeated)', collect, [])
    .option('--open', 'open the browser')
    .option('--allow-commands', 'hooks of the API may run commands on this machine')
    .option('--log-dir <directory>', 'one log file a run', 'logs')
    .option('--state-dir <directory>', 'history, profiles, and what is remembered of runs', '.pgtrek')
    .action(async (flags: ServeFlags) => {
      process.exitCode = await serve(flags)
    })
}

async function serve(flags: ServeFlags): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const token = chosenToken(flags)
  // Only this command needs the framework.
  const { startServer } = await import('../api/start.ts')
  const stopped = Promise.withResolvers<void>()
  using _ = interruptible(() => stopped.resolve())
  await using server = await startServer({
    host: flags.host,
    port: flags.port,
    token: token?.value,
    names: flags.allowHost,
    allowCommands: flags.allowCommands ?? false,
    logDirectory: flags.logDir,
    stateDirectory: flags.stateDir,
  })
  if (token?.isNew) say(`the token, not shown again: ${token.value}`)
  say(`pgtrek ${version} listens on ${server.url}`)
  if (flags.open && !(hasDesktop() && openBrowser(server.url))) say(`open ${server.url} in a browser`)
  await stopped.promise
  if (server.isBusy()) say('stopping the running migration; once more stops at once')
  return exitCode.done
}

const shortestToken = 16

function chosenToken({ token, host }: ServeFlags): { value: string; isNew: boolean } | undefined {
  if (token !== undefined && token !== '') {
    if (token.length < shortestToken || /\s/.test(token)) {
      throw new UsageError(`the token must have ${shortestToken} characters or more, and no spaces`)
    }
    return { value: token, isNew: false }
  }
  if (isLoopback(host)) return undefined
  return {
    value: crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: 'base64url' }),
    isNew: true,
  }
}

/** Only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535)
    throw new InvalidArgumentError('It must be 0 to 65535.')
  return Number(text)
}

function collect(value: string, values: string[]): string[] {
  return [...values, value]
}
