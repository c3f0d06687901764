// Merges the settings of the command line, a file and the environment by precedence.
import type { Connection } from '../../shared/connection.ts'
import { defaultOptions, everything } from '../../shared/defaults.ts'
import { type OptionName, optionNames } from '../../shared/option-table.ts'
import type { Hook, MigrationOptions, Selection, TableRule } from '../../shared/request.ts'

/** The settings of one place; only those that it contains. */
export interface Given {
  source?: Connection
  dest?: Connection
  /** The queue of the workers. */
  queue?: Connection
  selection: Partial<Selection>
  tables?: TableRule[]
  hooks?: Hook[]
  options: Partial<MigrationOptions>
  logDir?: string
  stateDir?: string
  /** How a setting is written there, for messages: `--workers`, `workers in pgtrek.toml`, `PGTREK_WORKERS`. */
  called: { option(name: OptionName): string; tables: string }
}

export interface Settled {
  source: Connection | undefined
  dest: Connection | undefined
  queue: Connection | undefined
  selection: Selection
  tables: TableRule[]
  hooks: Hook[]
  options: MigrationOptions
  logDir: string
  stateDir: string
  /** Options that were set, with how they were written. */
  origins: ReadonlyMap<OptionName, string>
  warnings: string[]
}

const usualLogDir = 'logs'
const usualStateDir = '.pgtrek'

/** For each setting the first place that contains it decides; lists are not merged. */
export function settle(places: readonly Given[]): Settled {
  const first = <Value>(pick: (given: Given) => Value | undefined): Value | undefined => {
    for (const place of places) {
      const value = pick(place)
      if (value !== undefined) return value
    }
    return undefined
  }
  const origins = new Map<OptionName, string>()
  for (const name of optionNames) {
    const place = places.find(({ options }) => options[name] !== undefined)
    if (place) origins.set(name, place.called.option(name))
  }
  const layers = places.toReversed()
  return {
    source: first(({ source }) => source),
    dest: first(({ dest }) => dest),
    queue: first(({ queue }) => queue),
    selection: Object.assign({}, everything, ...layers.map(({ selection }) => selection)),
    tables: first(({ tables }) => tables) ?? [],
    hooks: first(({ hooks }) => hooks) ?? [],
    options: Object.assign({}, defaultOptions, ...layers.map(({ options }) => options)),
    logDir: first(({ logDir }) => logDir) ?? usualLogDir,
    stateDir: first(({ stateDir }) => stateDir) ?? usualStateDir,
    origins,
    warnings: hiddenRules(places),
  }
}

/** Warnings about rules that are ignored: without them, other rows are copied than their author expects. */
function hiddenRules(places: readonly Given[]): string[] {
  const [used, ...hidden] = places.filter(({ tables = [] }) => tables.length > 0)
  return used
    ? hidden.map(({ called }) => `${called.tables} are ignored: ${used.called.tables} replace them`)
    : []
}
