// Command line flags in messages: the page shows the label of the option instead.
import type { MigrationOptions } from '../../shared/request.ts'

type Option = keyof MigrationOptions

/** The flag without dashes, and its option on the page. `--no-…` is added for each. */
export const flagOptions: Record<string, Option> = {
  'schema-only': 'schemaOnly',
  'data-only': 'dataOnly',
  'skip-extension': 'skipExtensions',
  owner: 'owner',
  acl: 'acl',
  comments: 'comments',
  tablespaces: 'tablespaces',
  publications: 'publications',
  'security-labels': 'securityLabels',
  analyze: 'analyze',
  'existing-tables': 'existingTableMode',
  'existing-rows': 'existingDataMode',
  'batch-size': 'batchSize',
  'keep-foreign-keys': 'disableFk',
  'keep-triggers': 'disableTriggers',
  workers: 'workers',
  'index-workers': 'indexWorkers',
  split: 'splitBytes',
  'max-rate': 'maxBytesPerSecond',
  'maintenance-work-mem': 'maintenanceWorkMemKb',
  'parallel-maintenance-workers': 'parallelMaintenanceWorkers',
  'fail-fast': 'failFast',
  'dry-run': 'dryRun',
  verify: 'verify',
  'skip-preflight': 'skipPreflight',
  resume: 'resume',
}

/** These set the option's other value than its name says. */
export const negatedFlags: ReadonlySet<string> = new Set(['keep-foreign-keys', 'keep-triggers'])

/** Flags for one choice of an option. */
export const flagChoices = {
  'drop-existing': ['existingTableMode', 'drop'],
  truncate: ['existingDataMode', 'truncate'],
  append: ['existingDataMode', 'append'],
  upsert: ['existingDataMode', 'upsert'],
} as const satisfies Record<string, readonly [Option, string]>

export type FlagChoice = (typeof flagChoices)[keyof typeof flagChoices][1]

export interface FlagWords {
  option(name: Option): string
  choice(name: FlagChoice): string
  other(flag: string): string | undefined
  quote(label: string): string
  off(label: string): string
}

/** Flags that the page has no option for stay as they are; so do those of a command in quotes. */
export function withLabels(text: string, words: FlagWords): string {
  if (!text.includes('--')) return text
  return text.replace(/"pgtrek [^"]*"|(?<![\w-])--(no-)?([a-z][a-z-]*[a-z])/g, (flag, no, name) => {
    if (!name) return flag
    const option = Object.hasOwn(flagOptions, name) ? flagOptions[name] : undefined
    if (option) {
      const label = words.quote(words.option(option))
      return (no !== undefined) === negatedFlags.has(name) ? label : words.off(label)
    }
    const choice = Object.entries(flagChoices).find(([one]) => one === name)?.[1]
    if (choice && !no) return words.quote(`${words.option(choice[0])}: ${words.choice(choice[1])}`)
    const other = no ? undefined : words.other(name)
    return other ? words.quote(other) : flag
  })
}
