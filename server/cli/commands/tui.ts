// `pgtrek tui`: the dashboard of a database that is followed by a process of its own, from any terminal.
import { Command, InvalidArgumentError } from 'commander'
import { UsageError } from '../../postgres/errors.ts'
import { tell } from '../../system/output.ts'
import { canShowDashboard, type DashboardEnd, showDashboard, usualRefresh } from '../dashboard/dashboard.ts'
import { exitCode } from '../exit.ts'
import { namesOf, openFollowed } from '../followed.ts'

interface TuiFlags {
  refresh: number
  stateDir: string
}

const leastRefresh = 50
const mostRefresh = 60_000

export function tuiCommand(): Command {
  return new Command('tui')
    .description('a dashboard of a database that is followed: watch, pause, decide, switch over')
    .argument('[name]', 'of the move; needed when there are several')
    .option('--refresh <ms>', 'milliseconds between two looks', milliseconds, usualRefresh)
    .option('--state-dir <directory>', 'where the process that follows keeps what it remembers', '.pgtrek')
    .action(async (name: string | undefined, flags: TuiFlags) => {
      process.exitCode = await tui(name, flags)
    })
}

async function tui(name: string | undefined, { refresh, stateDir }: TuiFlags): Promise<number> {
  using followed = openFollowed(stateDir)
  const names = namesOf(followed, name, stateDir)
  const [only] = names
  if (!followed || only === undefined) {
    throw new UsageError(
      `nothing is followed with the state directory ${stateDir}: "pgtrek clone --follow" begins`,
    )
  }
  if (names.length > 1) throw new UsageError(`several are followed, say which one: ${names.join(', ')}`)
  if (!canShowDashboard()) {
    throw new UsageError('the dashboard needs a terminal; "pgtrek status --watch" does not')
  }
  const end = await showDashboard({ controller: followed.store.controller(only), refresh })
  if (end === 'gone') tell(`nothing is remembered of ${only} any more: it was cleaned up`)
  return codes[end]
}

const codes: Record<DashboardEnd, number> = {
  left: exitCode.done,
  ended: exitCode.done,
  gone: exitCode.done,
  interrupted: exitCode.cancelled,
}

function milliseconds(text: string): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < leastRefresh || number > mostRefresh) {
    throw new InvalidArgumentError(`It must be a number from ${leastRefresh} to ${mostRefresh}.`)
  }
  return number
}
