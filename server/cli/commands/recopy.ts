// `pgtrek recopy`: the process that follows copies tables anew, and what becomes of it is told here.
import { Command } from 'commander'
import type { FollowController, FollowView } from '../../../shared/follow-view.ts'
import { onlyName } from '../../follow/cleanup.ts'
import { followName } from '../../follow/names.ts'
import { FollowStore } from '../../store/follows.ts'
import { RunStore } from '../../store/runs.ts'
import { tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addConnectionFlags } from '../flags/connection.ts'
import { addNameFlag, followOptionsOf } from '../flags/follow.ts'
import { requestOf } from '../flags/request.ts'
import { addConfigFlag } from '../flags/run.ts'
import { endsOf } from '../run-follow.ts'

const lookEveryMs = 100

export function recopyCommand(): Command {
  const command = new Command('recopy')
    .description('copy tables of a move again and follow them from there (default: all failed tables)')
    .argument('[table...]', '`schema.table` or `table`, with wildcards')
  addConnectionFlags(command)
  addConfigFlag(command)
  addNameFlag(command)
  command.option('--state-dir <directory>', 'state directory of the move (default: .pgtrek)')
  return command.action(async (tables: string[]) => {
    process.exitCode = await run(command, tables)
  })
}

async function run(command: Command, tables: string[]): Promise<number> {
  const request = requestOf(command)
  const follow = followOptionsOf(command)
  using store = new RunStore(request.stateDir)
  const memory = new FollowStore(store.database)
  const isKnown = request.source !== undefined && request.dest !== undefined
  const name = isKnown ? followName(endsOf(request, { follow })) : onlyName(memory.names(), follow.name)
  const controller = memory.controller(name)
  const asked = Date.now()
  const { ok, message } = await controller.act({ type: 'recopy', tables })
  tell(message)
  if (!ok) return exitCode.failures
  const isMine = ({ recopy }: FollowView) => recopy !== undefined && recopy.started_at >= asked
  const view = controller.view()
  return view && isMine(view) ? await untilOver(controller, isMine) : exitCode.done
}

async function untilOver(
  controller: FollowController,
  isMine: (view: FollowView) => boolean,
): Promise<number> {
  for (;;) {
    const view = controller.view()
    const recopy = view && isMine(view) ? view.recopy : undefined
    if (recopy && recopy.state !== 'running') {
      tell(recopy.message ?? recopy.state)
      return recopy.state === 'done' ? exitCode.done : exitCode.failures
    }
    if (!recopy || view?.process === undefined) {
      tell(
        'pgtrek: the process that follows ended before all tables were copied: the others count as failed. Start "pgtrek follow", then run "pgtrek recopy" again',
      )
      return exitCode.failures
    }
    await Bun.sleep(lookEveryMs)
  }
}
