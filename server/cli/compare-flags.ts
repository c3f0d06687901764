// The flags of `pgtrek compare`.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { Pattern, PatternError } from '../../shared/pattern.ts'
import { everything, type Selection, type TableRule } from '../../shared/request.ts'
import { UsageError } from '../postgres/errors.ts'
import { type ConnectionSettings, resolveSettings } from '../postgres/settings.ts'

export interface CompareFlags {
  source?: string
  sourceUri?: string
  dest?: string
  destUri?: string
  target?: string
  include: string[]
  exclude: string[]
  includeSchema: string[]
  excludeSchema: string[]
  progress: boolean
  quiet?: boolean
  json?: boolean
}

export interface CompareDataFlags extends CompareFlags {
  workers: number
  fast?: boolean
  drill?: boolean
  drillLimit: number
  where: string[]
}

export interface CompareSchemaFlags extends CompareFlags {
  owner: boolean
  acl: boolean
  comments: boolean
  tablespaces: boolean
  publications: boolean
  securityLabels: boolean
}

export function addCompareFlags(command: Command): Command {
  const alias = (name: string, of: string) => new Option(`--${name} <url>`, `the same as --${of}`).hideHelp()
  const pattern = (name: string, meaning: string) =>
    new Option(`--${name} <pattern>`, `${meaning} (repeatable, or a comma list)`)
      .argParser(collectPatterns)
      .default([], 'all')
  return command
    .addOption(
      new Option('--source <url>', 'one database: postgres://user@host:port/database').env('PGTREK_SOURCE'),
    )
    .addOption(new Option('--dest <url>', 'the other').env('PGTREK_DEST'))
    .addOption(alias('source-uri', 'source'))
    .addOption(alias('dest-uri', 'dest'))
    .addOption(alias('target', 'dest'))
    .addOption(pattern('include', 'only these tables: schema.table or table, with * and ?'))
    .addOption(pattern('exclude', 'not these tables').default([], 'none'))
    .addOption(pattern('include-schema', 'only these schemas'))
    .addOption(pattern('exclude-schema', 'not these schemas').default([], 'none'))
    .option('--no-progress', 'do not say how far it is')
    .option('--quiet', 'only the verdict')
    .option('--json', 'print one JSON object on standard output')
}

export function addDataFlags(command: Command): Command {
  return addCompareFlags(command)
    .option('--workers <count>', 'sessions that read on each server; 0 chooses', count(0), 0)
    .option('--fast', 'only count rows')
    .option('--drill', 'name the rows that differ, by their keys')
    .option('--drill-limit <count>', 'name at most so many rows of each table', count(1), 100)
    .option(
      '--where <table=condition>',
      'only rows for which the SQL condition holds (repeatable)',
      collect,
      [],
    )
}

export function addSchemaFlags(command: Command): Command {
  return addCompareFlags(command)
    .option('--no-owner', 'owners may differ')
    .option('--no-acl', 'grants may differ')
    .option('--no-comments', 'comments may differ')
    .option('--no-tablespaces', 'tablespaces may differ')
    .option('--no-publications', 'publications may differ')
    .option('--no-security-labels', 'security labels may differ')
}

export function endsOf(flags: CompareFlags): Record<'source' | 'destination', ConnectionSettings> {
  const settings = (url: string | undefined, flag: string, variable: string) => {
    if (!url)
      throw new UsageError(`no ${flag}: say --${flag} postgres://user@host/database or set ${variable}`)
    return resolveSettings({ url })
  }
  return {
    source: settings(flags.sourceUri ?? flags.source, 'source', 'PGTREK_SOURCE'),
    destination: settings(flags.destUri ?? flags.target ?? flags.dest, 'dest', 'PGTREK_DEST'),
  }
}

export function selectionOf(flags: CompareFlags): Selection {
  return {
    ...everything,
    include: flags.include,
    exclude: flags.exclude,
    includeSchemas: flags.includeSchema,
    excludeSchemas: flags.excludeSchema,
  }
}

/** `schema.table=condition`: cut at the first `=` that is not inside quotes. */
export function rulesOf(where: readonly string[]): TableRule[] {
  return where.map((text) => {
    const [, table = '', condition = ''] = /^((?:"[^"]*"|[^"=])*)=(.*)$/s.exec(text) ?? []
    if (!table.trim() || !condition.trim()) {
      throw new UsageError(`--where must be schema.table=condition: it is "${text}"`)
    }
    checkPattern(table.trim(), (reason) => new UsageError(`--where: ${reason}`))
    return { table: table.trim(), where: condition.trim() }
  })
}

function collectPatterns(text: string, earlier: readonly string[]): string[] {
  // Commas between quotes belong to a name.
  const patterns = [...text.matchAll(/(?:"[^"]*"|[^",]|")+/g)].map(([word]) => word.trim())
  for (const pattern of patterns) checkPattern(pattern, (reason) => new InvalidArgumentError(`${reason}.`))
  return [...earlier, ...patterns]
}

function checkPattern(text: string, refusal: (reason: string) => Error) {
  try {
    new Pattern(text)
  } catch (error) {
    throw error instanceof PatternError ? refusal(error.message) : error
  }
}

function collect(value: string, values: readonly string[]): string[] {
  return [...values, value]
}

function count(least: number) {
  return (text: string) => {
    if (!/^\d{1,7}$/.test(text) || Number(text) < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`)
    }
    return Number(text)
  }
}
