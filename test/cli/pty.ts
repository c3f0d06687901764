// Runs `pgtrek` on a pseudo terminal: tests read its screen and type keys.
import { inspect } from 'node:util'
import { cleanEnvironment } from '../../tools/command.ts'
import { CannotHappen, eventually, within } from '../../tools/eventually.ts'
import { program } from '../../tools/program.ts'
import { VirtualTerminal } from './virtual-terminal.ts'

export interface OnTerminal extends AsyncDisposable {
  readonly terminal: VirtualTerminal
  readonly child: Bun.Subprocess
  type(keys: string): void
  resize(columns: number, rows: number): void
  /** Resolves as soon as the screen matches; fails with the screen if it never does. */
  shows(what: string | RegExp): Promise<void>
  /** The exit code, or the signal. */
  readonly exited: Promise<number | NodeJS.Signals>
}

export function onTerminal(
  args: string[],
  directory: string,
  { columns = 80, rows = 24, environment = {} as Record<string, string>, words = program } = {},
): OnTerminal {
  const terminal = new VirtualTerminal(columns, rows)
  const decoder = new TextDecoder()
  const drained = Promise.withResolvers<void>()
  let pending = ''
  let isOver = false
  const shown = () => ({ [inspect.custom]: () => `\n${terminal.lines.join('\n')}` })
  const child = Bun.spawn([...words, ...args], {
    cwd: directory,
    env: cleanEnvironment({ TERM: 'xterm-256color', LANG: 'C.UTF-8', NO_COLOR: '', ...environment }),
    terminal: {
      cols: columns,
      rows,
      exit: () => drained.resolve(),
      data(_, bytes) {
        pending += decoder.decode(bytes, { stream: true })
        // A sequence may arrive in two pieces.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's commands begin with one
        const cut = /\x1b(\[[?\d;]*)?$/.exec(pending)?.index ?? pending.length
        terminal.write(pending.slice(0, cut))
        pending = pending.slice(cut)
      },
    },
  })
  const end = (async () => {
    await child.exited
    // Its last output may arrive after its exit.
    await drained.promise
    isOver = true
    return child.signalCode ?? child.exitCode ?? 0
  })()
  return {
    terminal,
    child,
    get exited() {
      return within(`the end of pgtrek ${args[0]}`, end, undefined, shown)
    },
    type: (keys) => void child.terminal?.write(keys),
    resize(newColumns, newRows) {
      terminal.columns = newColumns
      terminal.rows = newRows
      child.terminal?.resize(newColumns, newRows)
    },
    async shows(what) {
      const isThere = () => {
        const text = terminal.screen.join('\n')
        return typeof what === 'string' ? text.includes(what) : what.test(text)
      }
      await eventually(
        `${what} on the screen`,
        () => {
          if (!isThere() && isOver) throw new CannotHappen(`pgtrek ${args[0]} has ended`)
          return shown()
        },
        isThere,
      )
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
      child.terminal?.close()
    },
  }
}
