// The schedules of a state directory, with what a command needs to run them.
import type { Command } from 'commander'
import { Jobs } from '../api/jobs.ts'
import { managing, schedulerOf } from '../api/schedule-runner.ts'
import { UsageError } from '../postgres/errors.ts'
import { resolveSettings } from '../postgres/resolve-settings.ts'
import type { ManageContext } from '../schedule/manage.ts'
import type { Scheduler } from '../schedule/scheduler.ts'
import { History } from '../store/history.ts'
import { RunLog } from '../store/log.ts'
import { Profiles } from '../store/profiles.ts'
import { RunStore } from '../store/runs.ts'
import { ScheduleStore, type StoredSchedule } from '../store/schedules.ts'
import { sealIn } from '../store/seal.ts'
import { tell } from '../system/output.ts'
import { connectionsFromEnvironment } from './flags/connection.ts'
import { ownerOf } from './owner.ts'

export interface ScheduleFlags {
  stateDir: string
  logDir?: string
  allowCommands?: boolean
  allowCleartext?: boolean
}

export function stateFlag(command: Command): Command {
  return command.option(
    '--state-dir <directory>',
    'directory for the history, profiles, schedules and the state of runs',
    '.pgtrek',
  )
}

export function workFlags(command: Command): Command {
  return stateFlag(command)
    .option('--log-dir <directory>', 'directory for log files, one per run', 'logs')
    .option('--allow-commands', 'let hooks of profiles run commands on this machine')
    .option(
      '--allow-cleartext',
      'send saved passwords in clear text or as an MD5 hash, even without a verified certificate',
    )
}

interface Opened extends AsyncDisposable {
  schedules: ScheduleStore
  scheduler: Scheduler
  context: ManageContext
  /** Throws a UsageError if there is no such schedule. */
  found(name: string): StoredSchedule
}

export function openSchedules(flags: ScheduleFlags): Opened {
  const { stateDir, logDir = 'logs', allowCommands = false } = flags
  const named = Object.values(connectionsFromEnvironment(process.env))
  const owner = ownerOf(
    named.map((connection) => resolveSettings(connection)),
    flags.allowCleartext,
  )
  const store = new RunStore(stateDir)
  const { database } = store
  const history = new History(database)
  const log = new RunLog(database)
  const jobs = new Jobs(() => ({ store, history, log, logDirectory: logDir }))
  const seal = sealIn(stateDir)
  const profiles = new Profiles(database, seal)
  const schedules = new ScheduleStore(database)
  const services = { store, profiles, jobs, owner, allowCommands, schedules, seal }
  const scheduler = schedulerOf(services, (level, message) =>
    tell(level === 'info' ? message : `${level}: ${message}`),
  )
  return {
    schedules,
    scheduler,
    context: managing(services),
    found(name) {
      const stored = schedules.find(name)
      if (stored) return stored
      throw new UsageError(`no schedule is named "${name}": "pgtrek schedule list" shows them`)
    },
    async [Symbol.asyncDispose]() {
      await scheduler.close()
      await jobs.close()
      store[Symbol.dispose]()
    },
  }
}
