// The options by subject, as the plan's page and the help list them.
import { defaultOptions } from '../../../shared/defaults.ts'
import type { MigrationOptions } from '../../../shared/request.ts'

export type OptionName = keyof MigrationOptions

export interface OptionGroup {
  title: 'first' | 'existing' | 'along' | 'speed' | 'run'
  options: readonly OptionName[]
}

/** The few that decide most are first. */
export const optionGroups: readonly OptionGroup[] = [
  { title: 'first', options: ['existingTableMode', 'existingDataMode', 'workers', 'verify', 'dryRun'] },
  {
    title: 'along',
    options: [
      'schemaOnly',
      'dataOnly',
      'owner',
      'acl',
      'comments',
      'tablespaces',
      'publications',
      'securityLabels',
      'skipExtensions',
      'analyze',
    ],
  },
  { title: 'existing', options: ['disableFk', 'disableTriggers', 'batchSize'] },
  {
    title: 'speed',
    options: [
      'indexWorkers',
      'splitBytes',
      'maxBytesPerSecond',
      'maintenanceWorkMemKb',
      'parallelMaintenanceWorkers',
    ],
  },
  { title: 'run', options: ['failFast', 'skipPreflight', 'resume'] },
]

export function isDefault(options: MigrationOptions, name: OptionName): boolean {
  return JSON.stringify(options[name]) === JSON.stringify(defaultOptions[name])
}
