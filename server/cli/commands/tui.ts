// `pgtrek tui`: the dashboard of a move that another process runs.
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
    .description('show a dashboard of a move: watch, pause, resolve conflicts, switch over')
    .argument('[name]', 'name of the move; needed if there are several')
    .option('--refresh <ms>', 'refresh interval in milliseconds', milliseconds, usualRefresh)
    .option('--state-dir <directory>', 'state directory of the moves', '.pgtrek')
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
      `no moves in the state directory ${stateDir}: start one with "pgtrek clone --follow"`,
    )
  }
  if (names.length > 1) throw new UsageError(`several moves: give the name of one (${names.join(', ')})`)
  if (!canShowDashboard()) {
    throw new UsageError('the dashboard needs a terminal; use "pgtrek status --watch" instead')
  }
  const end = await showDashboard({ controller: followed.store.controller(only), refresh })
  if (end === 'gone') tell(`${only} is no longer in the state directory: it was cleaned up`)
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
