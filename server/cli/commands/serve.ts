// `pgtrek serve`: the page and the API.
import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { NamedEnd } from '../../../shared/api.ts'
import type { Connection } from '../../../shared/connection.ts'
import type { RunningServer } from '../../api/start.ts'
import { UsageError } from '../../postgres/errors.ts'
import { resolveSettings } from '../../postgres/resolve-settings.ts'
import { withoutPassword } from '../../postgres/without-password.ts'
import { print } from '../../system/output.ts'
import { makePrivateDirectory } from '../../system/private-files.ts'
import { version } from '../../system/version.ts'
import { hasDesktop, openBrowser } from '../browser.ts'
import { exitCode } from '../exit.ts'
import { addConnectionFlags, connectionsFromEnvironment, connectionsFromFlags } from '../flags/connection.ts'
import { interruptible } from '../interrupt.ts'
import { ownerOf } from '../owner.ts'

interface ServeFlags {
  port: number
  host: string
  token?: string | true
  allowHost: string[]
  open?: boolean
  logDir: string
  stateDir: string
  allowCommands?: boolean
  allowCleartext?: boolean
}

export function serveCommand(): Command {
  const command = new Command('serve')
    .description('serve the page and the API')
    .option('--port <number>', 'port to listen on; 0 chooses a free one', portNumber, 8080)
    .option('--host <address>', 'address to listen on; any other than localhost needs a token', 'localhost')
    .addOption(
      new Option(
        '--token [secret]',
        'token that browsers and scripts must send; generated when none is given and one is needed',
      ).env('PGTREK_TOKEN'),
    )
    .option('--allow-host <name>', 'additional host name of this server (may be repeated)', collect, [])
    .option('--open', 'open the browser')
    .option('--allow-commands', 'let hooks sent to the API run commands on this machine')
    .option(
      '--allow-cleartext',
      'send saved passwords in clear text or as an MD5 hash, even without a verified certificate',
    )
    .option('--log-dir <directory>', 'directory for log files, one per run', 'logs')
    .option('--state-dir <directory>', 'directory for the history, profiles and the state of runs', '.pgtrek')
  addConnectionFlags(command, ['source', 'dest'], {
    source: 'server whose password requests may use (from this URL, the environment or ~/.pgpass)',
    dest: 'another such server',
  })
  return command.action(async (flags: ServeFlags, command: Command) => {
    process.exitCode = await serve(flags, command)
  })
}

async function serve(flags: ServeFlags, command: Command): Promise<number> {
  const say = (line: string) => print([line])
  const token = chosenToken(flags)
  const named = { ...connectionsFromEnvironment(process.env), ...connectionsFromFlags(command) }
  const owner = ownerOf(
    Object.values(named).map((connection) => resolveSettings(connection)),
    flags.allowCleartext,
  )
  // Only this command needs the framework.
  const { startServer } = await import('../../api/start.ts')
  const stopped = Promise.withResolvers<void>()
  using _ = interruptible(() => stopped.resolve())
  await using server = await startServer({
    host: flags.host,
    port: flags.port,
    token: token?.value,
    names: flags.allowHost,
    allowCommands: flags.allowCommands ?? false,
    runsSchedules: true,
    logDirectory: flags.logDir,
    stateDirectory: flags.stateDir,
    owner,
    named: { source: shownEnd(named.source), destination: shownEnd(named.dest) },
  })
  if (token?.isNew) say(`token (not shown again): ${token.value}`)
  say(`pgtrek ${version} listens on ${server.url}`)
  using door = new BrowserDoor(server, flags.stateDir)
  if (flags.open) door.open(say)
  await stopped.promise
  if (server.isBusy()) say('stopping the running migration; repeat to stop immediately')
  return exitCode.done
}

function shownEnd(connection: Connection | undefined): NamedEnd | null {
  if (!connection) return null
  const { password } = resolveSettings(connection)
  return { connection: withoutPassword(connection).connection, password: Boolean(password) }
}

const shortestToken = 16

function chosenToken({ token, host }: ServeFlags): { value: string; isNew: boolean } | undefined {
  if (typeof token === 'string' && token !== '') {
    if (token.length < shortestToken || /\s/.test(token)) {
      throw new UsageError(`the token must have ${shortestToken} characters or more, and no spaces`)
    }
    return { value: token, isNew: false }
  }
  if (token !== true && isLoopback(host)) return undefined
  return {
    value: crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: 'base64url' }),
    isNew: true,
  }
}

/** Reachable only from this machine. */
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

/**
 * Opens the page in the user's browser with a link that replaces the token and works once. Every user of the machine
 * can read the command line of a browser, so the link is in a file that only this user may read.
 */
class BrowserDoor implements Disposable {
  #file: string | undefined

  constructor(
    readonly server: Pick<RunningServer, 'url' | 'ticketUrl'>,
    readonly directory: string,
  ) {}

  open(say: (line: string) => void) {
    const url = this.server.ticketUrl()
    const isSecret = url !== this.server.url
    const once = isSecret ? ' (the link works once)' : ''
    const isAsked = hasDesktop() && openBrowser(isSecret ? this.#write(url) : url)
    if (!isAsked || isSecret) say(`${isAsked ? 'if no browser opens, ' : ''}open ${url} in a browser${once}`)
  }

  #write(url: string): string {
    makePrivateDirectory(this.directory)
    this.#file = resolve(join(this.directory, `open-${process.pid}.html`))
    rmSync(this.#file, { force: true })
    const text = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${url}"><a href="${url}">pgtrek</a>\n`
    writeFileSync(this.#file, text, { mode: 0o600, flag: 'wx' })
    return this.#file
  }

  [Symbol.dispose]() {
    if (this.#file !== undefined) rmSync(this.#file, { force: true })
  }
}
