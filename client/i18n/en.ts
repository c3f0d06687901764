// All strings of the page in English. ja.ts has the same keys, or does not compile.

import { compareEn } from './compare.en.ts'
import { connectionsEn } from './connections.en.ts'
import { fleetEn } from './fleet.en.ts'
import { followEn } from './follow.en.ts'
import { historyEn } from './history.en.ts'
import { optionsEn } from './options.en.ts'
import { planEn } from './plan.en.ts'
import { preflightEn } from './preflight.en.ts'
import { repairEn } from './repair.en.ts'
import { runEn } from './run.en.ts'
import { schedulesEn } from './schedules.en.ts'
import { selectionEn } from './selection.en.ts'
import { shortcutsEn, startEn } from './start.en.ts'

export const en = {
  app: {
    title: 'pgtrek',
    claim: 'PostgreSQL to PostgreSQL',
    skip: 'Skip to the content',
    steps: 'Steps',
    pages: 'Pages',
    start: 'Start',
    migrate: 'Migrate',
    follow: 'Follow',
    compare: 'Compare',
    schema: 'Sync the schema',
    fleet: 'Fleet',
    history: 'History',
    schedules: 'Schedules',
    help: 'Help',
    language: 'Language',
    theme: 'Colours',
    themeAuto: 'Automatic',
    themeLight: 'Light',
    themeDark: 'Dark',
    close: 'Close',
    back: 'Back',
    next: 'Next',
    retry: 'Try again',
    loading: 'Loading…',
    partNotLoaded:
      'This part of the page could not be loaded. Reload the page: what you entered stays, except passwords.',
    reload: 'Reload the page',
    search: 'Search',
    clear: 'Clear',
    remove: 'Remove',
    save: 'Save',
    cancel: 'Cancel',
    none: 'none',
    yes: 'yes',
    no: 'no',
    notFound: 'Page not found.',
    lost: 'No connection to pgtrek. What you see may be out of date. Trying again…',
    unreachable: 'pgtrek does not respond. Check that it is still running.',
    unexpected: 'pgtrek sent an unexpected response (HTTP {{status}}).',
    login: 'This pgtrek requires its token.',
    loginGo: 'Log in',
    copy: 'Copy',
    copied: 'Copied',
    notCopied: 'This browser does not allow copying. Select the text and copy it yourself.',
  },
  start: startEn,
  shortcuts: shortcutsEn,
  steps: {
    connections: 'Connections',
    selection: 'Selection',
    plan: 'Plan',
    run: 'Run',
    compare: 'Differences',
    schema: 'Differences',
    follow: 'Follow',
    schedules: 'Schedule',
  },
  connections: connectionsEn,
  kinds: {
    tables: 'Tables',
    views: 'Views',
    materializedViews: 'Materialized views',
    functions: 'Functions',
    sequences: 'Sequences',
    triggers: 'Triggers',
    types: 'Types',
  },
  selection: selectionEn,
  history: historyEn,
  help: {
    title: 'Help',
    options: 'All options',
    contents: 'On this page',
    byDefault: 'Default',
  },
  options: optionsEn,
  plan: planEn,
  preflight: preflightEn,
  repair: repairEn,
  run: runEn,
  follow: followEn,
  fleet: fleetEn,
  compare: compareEn,
  schedules: schedulesEn,
}

/** The same keys with other strings. */
export type Words<Shape = typeof en> = {
  [Key in keyof Shape]: Shape[Key] extends string ? string : Words<Shape[Key]>
}
