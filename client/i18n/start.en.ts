// Strings of the start page, the steps and the keyboard shortcuts.
export const startEn = {
  title: 'What do you want to do?',
  lead: 'The source is only read. On the destination, nothing is dropped or emptied that you have not confirmed by name.',
  choices: 'Choices',
  purpose: {
    copy: 'Copy once',
    sync: 'Copy and keep in sync until a cutover',
    compare: 'Compare two databases',
    schema: 'Sync the schema',
    refresh: 'Refresh on a schedule',
  },
  about: {
    copy: 'Copies the chosen objects and their rows as they are at one moment. Later changes are not copied.',
    sync: 'Copies, then applies every change until you switch your applications over. The source stays in use.',
    compare: 'Reads both databases and shows every table and row that differs. Writes nothing.',
    schema: 'Shows how the definitions differ, and runs the SQL that you choose on the destination.',
    refresh: 'Repeats a copy at set times, for example a test database that is renewed every night.',
  },
  now: 'Now',
  running: 'A run is in progress',
  lastRun: 'Last run',
  draft: 'Not started yet',
  draftOpen: 'Continue with the connections',
  followed: 'Followed',
  fleet: 'This pgtrek runs a fleet',
  toSchedule: 'Set the schedule…',
  profiles: 'Profiles',
  profilesMore: 'All profiles',
  nothing: 'Nothing is running.',
  nothingLead:
    'You can prepare everything first: nothing is written before you have seen the plan and started it.',
}

export const shortcutsEn = {
  title: 'Keyboard shortcuts',
  open: 'Keyboard shortcuts',
  on: 'Shortcuts with single keys',
  onHelp: 'Switch them off if you enter text by voice.',
  chord: 'then',
  sheet: 'Show these shortcuts',
  search: 'Search on this page',
  next: 'Next step, or start',
  start: 'Start page',
  run: 'Run',
  follow: 'Follow',
  history: 'History',
}
