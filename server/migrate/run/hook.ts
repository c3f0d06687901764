// A hook of the user: SQL on one of the servers, or a command on this machine.
import type { Hook } from '../../../shared/request.ts'
import { Cancelled, PgtrekError } from '../../postgres/errors.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import type { Emit } from './context.ts'
import { openWhenFree } from './open-when-free.ts'

export interface HookContext {
  source: ConnectionSettings
  destination: ConnectionSettings
  emit: Emit
  signal: AbortSignal
}

export async function runHook({ run }: Hook, context: HookContext): Promise<void> {
  if ('command' in run) await runCommand(run.command, context)
  else await runSql(run.sql, run.on, context)
}

/** Uses a separate session: its settings end with it. */
async function runSql(sql: string, on: 'source' | 'destination', { emit, signal, ...ends }: HookContext) {
  const onNotice = (message: string) => emit({ type: 'log', level: 'info', message: `hook: ${message}` })
  const say = (message: string) => emit({ type: 'log', level: 'warn', message })
  await using session = await openWhenFree(ends[on], { until: signal, onNotice, say })
  await session.execute(sql)
}

/** Errors are at the end of a command's output. */
const lastCharacters = 2000
/** Child processes of the command may keep its output open, and the command may ignore signals. */
const endPatienceMs = 5000

async function runCommand(command: string, { emit, signal }: HookContext): Promise<void> {
  const shell = process.platform === 'win32' ? ['cmd', '/c', command] : ['sh', '-c', command]
  const child = Bun.spawn(shell, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const givenUp = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    child.kill()
    timer = setTimeout(() => {
      child.kill('SIGKILL')
      givenUp.reject(new Cancelled())
    }, endPatienceMs)
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const ended = Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    const [said, complained, code] = await Promise.race([ended, givenUp.promise])
    if (signal.aborted) throw new Cancelled()
    for (const text of [said, complained]) {
      if (text.trim())
        emit({ type: 'log', level: 'info', message: `hook: ${text.trim().slice(-lastCharacters)}` })
    }
    if (code !== 0) {
      const words = (complained.trim() || said.trim()).slice(-lastCharacters)
      throw new PgtrekError(`the command exited with code ${code}${words ? `: ${words}` : ''}`)
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
