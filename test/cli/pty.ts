// `pgtrek` on a terminal of its own: what it shows is read from the screen, keys are typed.
import { join } from 'node:path'
import { VirtualTerminal } from './virtual-terminal.ts'

export const main = join(import.meta.dir, '../../server/main.ts')

export interface OnTerminal extends AsyncDisposable {
  readonly terminal: VirtualTerminal
  readonly child: Bun.Subprocess
  type(keys: string): void
  resize(columns: number, rows: number): void
  /** Resolves as soon as the screen has it; tells what was there when it never comes. */
  shows(what: string | RegExp): Promise<void>
  /** The exit code, or the signal. */
  exited: Promise<number | NodeJS.Signals>
}

const patienceMs = 60_000

export function onTerminal(
  args: string[],
  directory: string,
  { columns = 80, rows = 24, environment = {} as Record<string, string>, script = main } = {},
): OnTerminal {
  const terminal = new VirtualTerminal(columns, rows)
  const decoder = new TextDecoder()
  const drained = Promise.withResolvers<void>()
  let pending = ''
  const child = Bun.spawn([process.execPath, script, ...args], {
    cwd: directory,
    env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8', NO_COLOR: '', ...environment },
    terminal: {
      cols: columns,
      rows,
      exit: () => drained.resolve(),
      data(_, bytes) {
        pending += decoder.decode(bytes, { stream: true })
        // A sequence may come in two pieces.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's commands begin with one
        const cut = /\x1b(\[[?\d;]*)?$/.exec(pending)?.index ?? pending.length
        terminal.write(pending.slice(0, cut))
        pending = pending.slice(cut)
      },
    },
  })
  const exited = (async () => {
    await child.exited
    // What it has said last may come after the news of its end.
    await drained.promise
    return child.signalCode ?? child.exitCode ?? 0
  })()
  return {
    terminal,
    child,
    exited,
    type: (keys) => void child.terminal?.write(keys),
    resize(newColumns, newRows) {
      terminal.columns = newColumns
      terminal.rows = newRows
      child.terminal?.resize(newColumns, newRows)
    },
    async shows(what) {
      const deadline = Date.now() + patienceMs
      const isThere = () => {
        const text = terminal.screen.join('\n')
        return typeof what === 'string' ? text.includes(what) : what.test(text)
      }
      while (!isThere()) {
        if (Date.now() > deadline || child.exitCode !== null) {
          throw new Error(`${what} never appeared:\n${terminal.lines.join('\n')}`)
        }
        await Bun.sleep(10)
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
      child.terminal?.close()
    },
  }
}
