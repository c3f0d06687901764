// The options in words: the page's third step and the help page both say these sentences.
import type { MigrationOptions } from '../../shared/request.ts'

interface OptionWords {
  label: string
  /** One plain sentence. */
  help: string
}

const each = {
  existingTableMode: {
    label: 'Existing tables',
    help: 'What happens to objects that the destination has already: kept as they are, or dropped and made again.',
  },
  existingDataMode: {
    label: 'Existing rows',
    help: 'What happens to rows that a table of the destination has already: deleted first, kept and added to, or merged with by key.',
  },
  batchSize: {
    label: 'Batch size',
    help: 'How many rows appending and upserting merge at once; plain copies need no batches.',
  },
  workers: {
    label: 'Copy workers',
    help: 'How many tables, or parts of big ones, are copied side by side; 0 chooses by tables, cores and free connections.',
  },
  disableFk: {
    label: 'Foreign keys off while copying',
    help: 'Foreign keys that the destination has are switched off while rows are copied, and put back and checked afterwards.',
  },
  dryRun: {
    label: 'Dry run',
    help: 'Makes the plan and stops: nothing is written, and the plan is the result.',
  },
  disableTriggers: {
    label: 'Triggers off while copying',
    help: 'Triggers that the destination has do not fire for copied rows.',
  },
  schemaOnly: { label: 'Schema only', help: 'Creates the objects, and copies no rows or sequence values.' },
  dataOnly: {
    label: 'Rows only',
    help: 'Copies rows and sequence values into tables that are there, and creates nothing.',
  },
  failFast: {
    label: 'Stop at the first failure',
    help: 'Otherwise everything that does not need what failed goes on.',
  },
  verify: {
    label: 'Compare at the end',
    help: 'Reads the rows of both databases again at the end and compares them.',
  },
  skipPreflight: {
    label: 'Skip the checks',
    help: 'Begins without looking for what would be in the way; blockers are not refused then.',
  },
  resume: {
    label: 'Go on with the last run',
    help: 'Takes up the last run between these databases that did not complete; what it had finished is not done again.',
  },
  indexWorkers: { label: 'Index workers', help: 'How many indexes are built side by side; 0 chooses.' },
  splitBytes: {
    label: 'Copy in parts above (bytes)',
    help: 'Tables above this size are copied in several parts at once; 0 chooses.',
  },
  maxBytesPerSecond: {
    label: 'Speed limit (bytes per second)',
    help: 'No more than this is read from the source, so that it stays quick for others; 0 is as fast as it goes.',
  },
  maintenanceWorkMemKb: {
    label: 'Memory for an index build (kB)',
    help: 'How much memory the destination may use for each index build; 0 chooses.',
  },
  parallelMaintenanceWorkers: {
    label: 'Helpers of an index build',
    help: 'How many processes of the destination help with each index; -1 leaves it to pgtrek.',
  },
  owner: {
    label: 'Owners',
    help: 'Objects belong to the same roles as on the source; otherwise to the connecting user.',
  },
  acl: { label: 'Grants', help: 'Roles get the rights they have on the source.' },
  comments: { label: 'Comments', help: 'Comments on objects come along.' },
  tablespaces: {
    label: 'Tablespaces',
    help: 'Objects go into tablespaces of the same name; otherwise into the default one.',
  },
  publications: { label: 'Publications', help: 'Publications for logical replication are created.' },
  securityLabels: {
    label: 'Security labels',
    help: 'Security labels come along; their provider must be loaded on the destination.',
  },
  analyze: {
    label: 'Gather statistics',
    help: 'Each table is analyzed when it is complete, so that the first queries are planned well.',
  },
  skipExtensions: {
    label: 'Extensions not to create',
    help: 'Names with commas between; where the destination has one already, it is used.',
  },
} satisfies Record<keyof MigrationOptions, OptionWords>

export const optionsEn = {
  title: 'How to move it',
  groups: { existing: 'What is there already', run: 'The run', speed: 'Speed', along: 'What comes along' },
  more: 'More options',
  each,
  choices: {
    keep: 'Keep as they are (CREATE IF NOT EXISTS)',
    drop: 'DROP and create again',
    truncate: 'TRUNCATE, then INSERT',
    append: 'Append (INSERT)',
    upsert: 'UPSERT (ON CONFLICT DO UPDATE)',
  },
  automatic: 'automatic',
  numberWrong: 'A whole number from {{minimum}} to {{maximum}}.',
  numberWrongLeast: 'A whole number, {{minimum}} or more.',
  plan: 'The plan',
  planning: 'Looking at both databases…',
  planFresh: 'Up to date',
  planWait: 'Name both databases, and the plan appears here.',
  planFailed: 'There is no plan',
  creates: 'Will be done',
  steps: '{{count}} steps',
  planTables: '{{count}} tables, about {{rows}} rows, {{bytes}}',
  planWorkers: '{{workers}} copy workers, {{indexWorkers}} index workers',
  skipped: '{{count}} cannot be done or are left out',
  destroyed: 'Will be destroyed on the destination',
  destroyedNothing: 'Nothing of the destination is dropped or emptied.',
  dropped: 'DROP',
  truncated: 'TRUNCATE',
  confirm: 'I have read this list: delete these on {{database}}.',
  confirmFirst: 'Confirm what will be destroyed first.',
  warnings: '{{count}} warnings to read first',
  noWarnings: 'No warnings.',
  start: 'Start the migration',
  startDry: 'Start the dry run',
  starting: 'Starting…',
  busy: 'A migration is running already.',
  tableList: 'Tables of the plan',
  all: 'Show all {{count}}',
  reset: 'Back to the defaults',
}
