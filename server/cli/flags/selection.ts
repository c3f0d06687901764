// The flags that select objects.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ObjectKind, objectKinds } from '../../../shared/constants.ts'
import { eitherOf } from '../../../shared/option-table.ts'
import { nearestName, Pattern, PatternError } from '../../../shared/pattern.ts'
import type { Selection } from '../../../shared/request.ts'
import { snakeCase } from '../../../shared/spelling.ts'
import { splitList } from './words.ts'

const heading = 'Selection:'

const patternFlags = {
  include: ['include', 'only these tables, views and sequences: schema.table or table, with * and ?'],
  exclude: ['exclude', 'not these'],
  includeSchemas: ['include-schema', 'only these schemas'],
  excludeSchemas: ['exclude-schema', 'not these schemas'],
} as const satisfies Partial<Record<keyof Selection, readonly [string, string]>>

type PatternList = keyof typeof patternFlags
const patternLists = Object.keys(patternFlags) as PatternList[]

/** With `kinds`, also the flags for objects that are not tables. */
export function addSelectionFlags(command: Command, { kinds }: { kinds: boolean }) {
  for (const list of patternLists) {
    const [flag, meaning] = patternFlags[list]
    command.addOption(
      new Option(`--${flag} <pattern>`, `${meaning} (repeatable, or a comma list)`)
        .argParser(collectPatterns)
        .helpGroup(heading),
    )
  }
  if (!kinds) return
  command
    .addOption(
      new Option('--only <kinds>', `only objects of these kinds: ${objectKinds.map(dashed).join(', ')}`)
        .argParser(collectKinds)
        .helpGroup(heading),
    )
    .addOption(
      new Option(
        '--needed <add|report>',
        'required objects that are neither selected nor on the destination: add or report them',
      )
        .argParser(neededChoice)
        .helpGroup(heading),
    )
}

export function selectionFromFlags(command: Command): Partial<Selection> {
  const selection: Partial<Selection> = {}
  for (const list of patternLists) {
    // Commander stores `--include-schema` as `includeSchema`.
    const patterns = command.getOptionValue(list.replace(/s$/, '')) as string[] | undefined
    if (patterns) selection[list] = patterns
  }
  const { only, needed } = command.opts<Partial<Pick<Selection, 'only' | 'needed'>>>()
  if (only) selection.only = only
  if (needed) selection.needed = needed
  return selection
}

/** Rejects patterns that cannot be a name. */
function collectPatterns(text: string, earlier: readonly string[] | undefined): string[] {
  const patterns = splitList(text)
  for (const pattern of patterns) checkPattern(pattern)
  return [...(earlier ?? []), ...patterns]
}

function checkPattern(text: string) {
  try {
    new Pattern(text)
  } catch (error) {
    if (error instanceof PatternError) throw new InvalidArgumentError(`${error.message}.`)
    throw error
  }
}

function collectKinds(text: string, earlier: readonly ObjectKind[] | undefined): ObjectKind[] {
  return [...(earlier ?? []), ...splitList(text).map(kindNamed)]
}

function kindNamed(word: string): ObjectKind {
  const kind = objectKinds.find((one) => snakeCase(one) === word.toLowerCase().replaceAll('-', '_'))
  if (kind) return kind
  const names = objectKinds.map(dashed)
  const near = nearestName(word, names)
  throw new InvalidArgumentError(
    near ? `"${word}" is not a valid kind: did you mean ${near}?` : `Use ${eitherOf(names)}.`,
  )
}

function dashed(kind: ObjectKind): string {
  return snakeCase(kind).replaceAll('_', '-')
}

function neededChoice(text: string): Selection['needed'] {
  if (text === 'add' || text === 'report') return text
  throw new InvalidArgumentError('It must be add or report.')
}
