// The flags of the options, made from the option table, and their environment variables.
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  choicesOf,
  expectation,
  flagOf,
  type OptionName,
  optionFromText,
  optionNames,
  spellingOf,
  usualValue,
  variableOf,
} from '../../../shared/option-table.ts'
import { nearestName } from '../../../shared/pattern.ts'
import type { MigrationOptions } from '../../../shared/request.ts'
import type { Environment } from '../../postgres/environment.ts'
import { UsageError } from '../../postgres/errors.ts'

const groups = {
  what: 'Objects:',
  existing: 'Existing objects and rows:',
  speed: 'Speed:',
  run: 'Run:',
} as const

export function addOptionFlags(command: Command, names: readonly OptionName[] = optionNames) {
  for (const name of names) for (const option of optionFlags(name)) command.addOption(option)
}

/** The options of the command line. Throws a UsageError for flags that contradict each other. */
export function optionsFromFlags(
  command: Command,
  names: readonly OptionName[] = optionNames,
): Partial<MigrationOptions> {
  const values: Record<string, unknown> = {}
  for (const name of names) {
    const given = optionFlags(name).flatMap((option) => {
      const value: unknown = command.getOptionValue(option.attributeName())
      return value === undefined ? [] : [{ option, value: meant(name, option, value) }]
    })
    const [one, ...others] = given
    if (!one) continue
    const other = others.find(({ value }) => value !== one.value)
    if (other) throw new UsageError(`${one.option.long} and ${other.option.long} exclude each other`)
    values[name] = one.value
  }
  return values as Partial<MigrationOptions>
}

export function optionsFromEnvironment(environment: Environment): Partial<MigrationOptions> {
  const values: Record<string, unknown> = {}
  for (const name of optionNames) {
    const text = environment[variableOf(name)]
    if (!text) continue
    const value = optionFromText(name, text)
    if (value === undefined) throw new UsageError(`${variableOf(name)} must be ${expectation(name)}`)
    values[name] = value
  }
  return values as Partial<MigrationOptions>
}

/** A misspelled variable would silently have no effect. */
export function unknownVariables(environment: Environment): string[] {
  const known = [...optionNames.map(variableOf), 'PGTREK_SOURCE', 'PGTREK_DEST', 'PGTREK_QUEUE']
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('PGTREK_') && !known.includes(variable))
    .flatMap((variable) => {
      const near = nearestName(variable, known)
      return near
        ? [`the environment has ${variable}, which is not a variable of pgtrek: did you mean ${near}?`]
        : []
    })
}

/** All flags of one option; flags that restore a default or stand for a choice come last. */
function optionFlags(name: OptionName): Option[] {
  const { kind, meaning, group, shortcuts = {} } = spellingOf(name)
  const flag = flagOf(name)
  const heading = groups[group]
  if (kind === 'switch' || kind === 'opposite') {
    const isOn = usualValue(name) === true
    const [shown, hidden] = isOn ? [`--no-${flag}`, `--${flag}`] : [`--${flag}`, `--no-${flag}`]
    return [
      new Option(shown, meaning).helpGroup(heading),
      new Option(hidden, `not --${shown}`).hideHelp(),
    ].sort((one, other) => Number(one.negate) - Number(other.negate))
  }
  if (kind === 'names') {
    const option = new Option(`--${flag} <name>`, `${meaning} (may be repeated)`)
    const parse = (text: string, earlier: readonly string[] | undefined) => [
      ...(earlier ?? []),
      ...(optionFromText(name, text) as string[]),
    ]
    return [option.argParser(parse).helpGroup(heading)]
  }
  const choices = choicesOf(name)
  const placeholder = kind === 'choice' ? choices.join('|') : placeholders[kind]
  const option = new Option(`--${flag} <${placeholder}>`, meaning).helpGroup(heading)
  const parse = (text: string) => {
    const value = optionFromText(name, text)
    if (value === undefined) throw new InvalidArgumentError(`It must be ${expectation(name)}.`)
    return value
  }
  const aliases = Object.entries(shortcuts).map(([shortcut, choice]) =>
    new Option(`--${shortcut}`, `the same as --${flag} ${choice}`).helpGroup(heading),
  )
  return [option.argParser(parse), ...aliases]
}

const placeholders = { count: 'count', size: 'size', kilobytes: 'size', rate: 'rate' } as const

function meant(name: OptionName, option: Option, value: unknown): unknown {
  const { kind, shortcuts = {} } = spellingOf(name)
  if (kind === 'opposite') return !value
  return shortcuts[(option.long ?? '').slice(2)] ?? value
}
