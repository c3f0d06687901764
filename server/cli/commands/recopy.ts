// `pgtrek recopy`: requests a recopy from the process that follows, and waits for its result.
import { Command } from 'commander'
import type { FollowController } from '../../../shared/follow-action.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import { tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addMoveFlags, moveStateFlag } from '../flags/follow.ts'
import { openMove } from '../followed.ts'

const lookEveryMs = 100

export function recopyCommand(): Command {
  const command = new Command('recopy')
    .description('copy tables of a move again and follow them from there (default: all failed tables)')
    .argument('[table...]', '`schema.table` or `table`, with wildcards')
  addMoveFlags(command)
  command.option(...moveStateFlag)
  return command.action(async (tables: string[]) => {
    process.exitCode = await run(command, tables)
  })
}

async function run(command: Command, tables: string[]): Promise<number> {
  using move = openMove(command)
  const controller = move.memory.controller(move.name)
  const requestedAt = Date.now()
  const { ok, message } = await controller.act({ type: 'recopy', tables })
  tell(message)
  if (!ok) return exitCode.failures
  const isMine = ({ recopy }: FollowView) => recopy !== undefined && recopy.started_at >= requestedAt
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
