// The commands and flags that the program has, read from the program itself.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'

const directory = join(import.meta.dir, '../../server/cli/commands')

/** Every command by its full name, such as `compare data`. */
export async function commandsOfProgram(): Promise<Map<string, Command>> {
  const commands = new Map<string, Command>()
  for (const file of readdirSync(directory)) {
    const exports = (await import(join(directory, file))) as Record<string, unknown>
    for (const [name, make] of Object.entries(exports)) {
      if (!/Commands?$/.test(name) || typeof make !== 'function') continue
      const made = make(new Command()) as Command | Command[]
      for (const command of [made].flat()) add(commands, command, '')
    }
  }
  return commands
}

function add(commands: Map<string, Command>, command: Command, parent: string) {
  commands.set(`${parent}${command.name()}`, command)
  for (const part of command.commands) add(commands, part, `${command.name()} `)
}

export function flagsOf(command: Command): Set<string> {
  return new Set(command.options.flatMap(({ long }) => long ?? []))
}

/** The flags that `--help` lists, with their help texts; the variable of the environment is left out of the text. */
export function shownFlags(command: Command): Map<string, string> {
  const shown = command.options.filter(({ hidden }) => !hidden)
  return new Map(
    shown.map(({ long = '', description }) => [
      long,
      description.replace(/ \((?:or )?(?:env: )?PGTREK_\w+\)$/, ''),
    ]),
  )
}
