// `pgtrek schedule`: saved profiles that run by the clock.
import { Command, InvalidArgumentError, Option } from 'commander'
import type { ScheduleBody } from '../../../shared/schedule-api.ts'
import { UsageError } from '../../postgres/errors.ts'
import { preview, putSchedule, removeSchedule, showDetails, showSchedule } from '../../schedule/manage.ts'
import { print, printJson, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { interruptible } from '../interrupt.ts'
import { openSchedules, type ScheduleFlags, stateFlag, workFlags } from '../open-schedules.ts'
import { detailsLines, listLines, previewLines } from '../render/schedules.ts'

interface AddFlags extends ScheduleFlags {
  profile: string
  cron?: string
  every?: number
  zone: string
  disabled?: boolean
  retries: number
  retryPause: number
  catchUp?: boolean
  keep: number | null
  acceptFailures?: boolean
  notify?: string
  notifyFormat: 'teams' | 'slack' | 'json'
  notifyDone?: boolean
  allowDestruction?: boolean
}

export function scheduleCommand(program: Command): Command {
  const command = new Command('schedule')
    .description('run saved profiles by the clock')
    .copyInheritedSettings(program)
  const parts = [addCommand(), listCommand(), showCommand(), nextCommand(), removeCommand()]
  for (const part of [...parts, ...switches(), runCommand(), workCommand()]) {
    command.addCommand(part.copyInheritedSettings(program))
  }
  return command
}

function addCommand(): Command {
  const command = stateFlag(new Command('add'))
    .description('create a schedule; "pgtrek serve" and "pgtrek schedule work" run it')
    .argument('<name>', 'name of the schedule')
    .requiredOption('--profile <name>', 'profile to run, saved on the page or through the API')
  timingFlags(command)
  return command
    .option('--disabled', 'create it, but do not run it yet')
    .option('--retries <number>', 'further attempts after a run has failed', count(0, 10), 0)
    .option('--retry-pause <minutes>', 'pause before each further attempt', count(1, 1440), 5)
    .option(
      '--catch-up',
      'run once, late, if runs were due while no process ran schedules; by default they are reported as missed',
    )
    .option('--keep <number>', 'runs of this schedule to keep in the history, or "all"', keepCount, 30)
    .option('--accept-failures', 'a run in which some objects have failed counts as a success too')
    .addOption(
      new Option('--notify <url>', 'incoming webhook to notify of problems; the URL is stored encrypted').env(
        'PGTREK_NOTIFY_URL',
      ),
    )
    .addOption(
      new Option('--notify-format <format>', 'format of the notifications')
        .choices(['teams', 'slack', 'json'])
        .default('json'),
    )
    .option('--notify-done', 'notify of successful runs too')
    .option(
      '--allow-destruction',
      'confirm that each run may drop or empty the objects of the selection on the destination; without it such runs are refused',
    )
    .action(async (name: string, flags: AddFlags) => {
      await using opened = openSchedules(flags)
      const { schedules, context } = opened
      if (schedules.find(name))
        throw new UsageError(`schedule "${name}" exists: remove it first, or change it on the page`)
      const { notify: url } = flags
      const body: ScheduleBody = {
        profile: flags.profile,
        timing: timingOf(flags),
        zone: flags.zone,
        enabled: !flags.disabled,
        retries: flags.retries,
        retry_minutes: flags.retryPause,
        on_missed: flags.catchUp ? 'once' : 'skip',
        keep_runs: flags.keep,
        success: flags.acceptFailures ? 'with_failures' : 'complete',
        notify: url
          ? { url, format: flags.notifyFormat, on: flags.notifyDone ? ['problem', 'done'] : ['problem'] }
          : null,
        confirmed: flags.allowDestruction ?? false,
      }
      const schedule = await putSchedule(name, body, context)
      tell(
        schedule.confirmation
          ? `each run may drop or empty the objects of the selection on ${schedule.destination}`
          : `runs that would drop or empty objects of ${schedule.destination} are refused: use --allow-destruction to confirm them`,
      )
      print(detailsLines({ ...schedule, entries: [] }, context.now()))
    })
}

function timingFlags(command: Command) {
  command
    .option('--cron <expression>', 'when it is due: minute, hour, day of the month, month, day of the week')
    .option('--every <interval>', 'instead of --cron: every 15m, 6h or 2d, counted from now', interval)
    .option(
      '--zone <name>',
      'IANA time zone of the expression',
      Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
    )
}

function timingOf({ cron, every }: Pick<AddFlags, 'cron' | 'every'>): ScheduleBody['timing'] {
  if ((cron === undefined) === (every === undefined)) {
    throw new UsageError('use either --cron, as in --cron "0 3 * * 1-5", or --every, as in --every 6h')
  }
  return cron === undefined ? { every_minutes: every ?? 0 } : { cron }
}

function listCommand(): Command {
  return stateFlag(new Command('list'))
    .description('list the schedules, with the next run and the last outcome of each')
    .option('--json', 'print JSON')
    .action(async (flags: ScheduleFlags & { json?: boolean }) => {
      await using opened = openSchedules(flags)
      const { schedules, context } = opened
      const list = schedules.list().map((stored) => showSchedule(stored, context))
      if (flags.json) printJson(list)
      else print(listLines(list, context.now()))
    })
}

function showCommand(): Command {
  return stateFlag(new Command('show'))
    .description('show a schedule and its past runs')
    .argument('<name>', 'name of the schedule')
    .option('--json', 'print JSON')
    .action(async (name: string, flags: ScheduleFlags & { json?: boolean }) => {
      await using opened = openSchedules(flags)
      const details = showDetails(opened.found(name), opened.context)
      if (flags.json) printJson(details)
      else print(detailsLines(details, opened.context.now()))
    })
}

function nextCommand(): Command {
  const command = new Command('next').description(
    'print the next five due times of an expression or an interval',
  )
  timingFlags(command)
  return command.action((flags: Pick<AddFlags, 'cron' | 'every' | 'zone'>) => {
    const { zone } = flags
    print(previewLines(preview({ timing: timingOf(flags), zone }, Date.now()), zone, Date.now()))
  })
}

function removeCommand(): Command {
  return stateFlag(new Command('remove'))
    .description('remove a schedule; its migrations stay in the history')
    .argument('<name>', 'name of the schedule')
    .action(async (name: string, flags: ScheduleFlags) => {
      await using opened = openSchedules(flags)
      opened.found(name)
      await removeSchedule(name, opened.context)
      tell(`schedule "${name}" is removed`)
    })
}

function switches(): Command[] {
  const meanings = [
    ['enable', true, 'enable a schedule; what was due while it was disabled is not run'],
    ['disable', false, 'disable a schedule; a run that has started continues'],
  ] as const
  return meanings.map(([word, enabled, meaning]) =>
    stateFlag(new Command(word))
      .description(meaning)
      .argument('<name>', 'name of the schedule')
      .action(async (name: string, flags: ScheduleFlags) => {
        await using opened = openSchedules(flags)
        opened.found(name)
        opened.schedules.enable(name, enabled, opened.context.now())
        tell(`schedule "${name}" is ${word}d`)
      }),
  )
}

function runCommand(): Command {
  return workFlags(new Command('run'))
    .description('run a schedule now, in this process, with its retries and notifications')
    .argument('<name>', 'name of the schedule')
    .action(async (name: string, flags: ScheduleFlags) => {
      await using opened = openSchedules(flags)
      opened.found(name)
      using interrupt = interruptible(() => tell('stopping; repeat to stop immediately'))
      const { done } = opened.scheduler.runNow(name)
      interrupt.signal.addEventListener('abort', () => void opened.scheduler.close(), { once: true })
      const { state } = await done
      await opened.scheduler.idle()
      process.exitCode = runCodes[state] ?? exitCode.failures
    })
}

const runCodes: Partial<Record<string, number>> = {
  succeeded: exitCode.done,
  failed: exitCode.failures,
  refused: exitCode.cannotRun,
  skipped: exitCode.cannotRun,
  cancelled: exitCode.cancelled,
}

function workCommand(): Command {
  return workFlags(new Command('work'))
    .description('run the schedules in this terminal until Ctrl-C, without the page')
    .action(async (flags: ScheduleFlags) => {
      await using opened = openSchedules(flags)
      const stopped = Promise.withResolvers<void>()
      using _ = interruptible(() => stopped.resolve())
      const list = opened.schedules.list().map((stored) => showSchedule(stored, opened.context))
      print(listLines(list, opened.context.now()))
      opened.scheduler.start()
      await stopped.promise
      if (opened.scheduler.isBusy) tell('stopping the running migration; repeat to stop immediately')
      await opened.scheduler.close()
      process.exitCode = exitCode.done
    })
}

const minutesIn: Record<string, number> = { m: 1, h: 60, d: 24 * 60 }

function interval(text: string): number {
  const [, number, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text.trim()) ?? []
  const minutes = Number(number) * (minutesIn[unit] ?? Number.NaN)
  if (!(minutes >= 1 && minutes <= 7 * 24 * 60)) {
    throw new InvalidArgumentError('It must be 1m to 7d: a number with m, h or d.')
  }
  return minutes
}

function count(least: number, most: number) {
  return (text: string): number => {
    const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
    if (!(number >= least && number <= most))
      throw new InvalidArgumentError(`It must be ${least} to ${most}.`)
    return number
  }
}

function keepCount(text: string): number | null {
  return text === 'all' ? null : count(1, 10_000)(text)
}
