// Labels and help of the options, for the options step and the help page.
import type { MigrationOptions } from '../../shared/request.ts'

interface OptionWords {
  label: string
  /** One or two plain sentences. */
  help: string
}

const each = {
  existingTableMode: {
    label: 'Existing tables',
    help: 'What to do with objects that already exist on the destination: keep them, or drop and recreate them.',
  },
  existingDataMode: {
    label: 'Existing rows',
    help: 'What to do with rows that already exist in a table of the destination: delete them first, keep them and add to them, or merge by key.',
  },
  batchSize: {
    label: 'Batch size',
    help: 'How many rows appending and upserting merge at once. Plain copies use no batches.',
  },
  workers: {
    label: 'Copy workers',
    help: 'How many tables, or parts of large tables, are copied in parallel. 0: chosen from tables, cores and free connections.',
  },
  disableFk: {
    label: 'Suspend foreign keys while copying',
    help: 'Foreign keys of the destination are suspended while rows are copied, then restored and checked.',
  },
  dryRun: {
    label: 'Dry run',
    help: 'Makes the plan and stops. Nothing is written, and the plan is the result.',
  },
  disableTriggers: {
    label: 'Suspend triggers while copying',
    help: 'Triggers of the destination do not fire for copied rows.',
  },
  schemaOnly: { label: 'Schema only', help: 'Creates the objects. Copies no rows or sequence values.' },
  dataOnly: {
    label: 'Rows only',
    help: 'Copies rows and sequence values into existing tables. Creates nothing.',
  },
  failFast: {
    label: 'Stop at the first failure',
    help: 'By default, everything that does not depend on a failed object continues.',
  },
  verify: {
    label: 'Verify at the end',
    help: 'Reads the rows of both databases again at the end and compares them.',
  },
  skipPreflight: {
    label: 'Skip the preflight checks',
    help: 'Starts without preflight checks. Blockers do not stop the run then.',
  },
  resume: {
    label: 'Resume the last run',
    help: 'Continues the last run between these databases that did not complete. Completed work is not repeated.',
  },
  indexWorkers: {
    label: 'Index workers',
    help: 'How many indexes are built in parallel. 0: chosen automatically.',
  },
  splitBytes: {
    label: 'Split tables above (bytes)',
    help: 'Larger tables are copied in several parts in parallel. 0: chosen automatically.',
  },
  maxBytesPerSecond: {
    label: 'Speed limit (bytes per second)',
    help: 'Limits how fast the source is read, so that it stays fast for others. 0: no limit.',
  },
  maintenanceWorkMemKb: {
    label: 'Memory per index build (kB)',
    help: 'How much memory the destination may use for each index build. 0: chosen automatically.',
  },
  parallelMaintenanceWorkers: {
    label: 'Parallel workers per index build',
    help: 'How many parallel workers of the destination help with each index. -1: its own setting.',
  },
  owner: {
    label: 'Owners',
    help: 'Objects get the same owners as on the source. Otherwise the connecting user owns them.',
  },
  acl: { label: 'Grants', help: 'Roles get the same privileges as on the source.' },
  comments: { label: 'Comments', help: 'Comments on objects are migrated.' },
  tablespaces: {
    label: 'Tablespaces',
    help: 'Objects go into tablespaces of the same name. Otherwise into the default tablespace.',
  },
  publications: { label: 'Publications', help: 'Publications for logical replication are created.' },
  securityLabels: {
    label: 'Security labels',
    help: 'Security labels are migrated. Their provider must be loaded on the destination.',
  },
  analyze: {
    label: 'Gather statistics',
    help: 'Each table is analyzed when it is complete, so that the first queries get good plans.',
  },
  skipExtensions: {
    label: 'Extensions not to create',
    help: 'Comma-separated names. An extension that the destination already has is used.',
  },
} satisfies Record<keyof MigrationOptions, OptionWords>

export const optionsEn = {
  title: 'Options',
  groups: {
    first: 'Most used',
    existing: 'Keys, triggers and batches',
    run: 'Failures and resuming',
    speed: 'Speed',
    along: 'What is migrated',
  },
  each,
  choices: {
    keep: 'Keep as they are (CREATE IF NOT EXISTS)',
    drop: 'DROP and create again',
    truncate: 'TRUNCATE, then INSERT',
    append: 'Append (INSERT)',
    upsert: 'UPSERT (ON CONFLICT DO UPDATE)',
  },
  automatic: 'automatic',
  numberWrong: 'Enter a whole number from {{minimum}} to {{maximum}}.',
  numberWrongLeast: 'Enter a whole number, {{minimum}} or more.',
  plan: 'Plan',
  planning: 'Reading both databases…',
  planFresh: 'Up to date',
  planWait: 'Enter both connections to see the plan.',
  planFailed: 'The plan could not be made',
  creates: 'What will be done',
  steps: '{{count}} steps',
  planTables: '{{count}} tables, about {{rows}} rows, {{bytes}}',
  planWorkers: 'Copy workers: {{workers}}. Index workers: {{indexWorkers}}.',
  skipped: 'Not migrated: {{count}}',
  destroyed: 'Will be dropped or emptied on the destination',
  destroyedNothing: 'Nothing is dropped or emptied on the destination.',
  dropped: 'DROP',
  truncated: 'TRUNCATE',
  confirm: 'I have read this list: drop or empty these on {{database}}.',
  confirmFirst: 'First confirm what will be dropped or emptied.',
  warnings: '{{count}} warnings',
  noWarnings: 'No warnings.',
  start: 'Start the migration',
  startDry: 'Start the dry run',
  starting: 'Starting…',
  busy: 'A migration is already running.',
  tableList: 'Tables of the plan',
  all: 'Show all {{count}}',
  reset: 'Reset to defaults',
}
