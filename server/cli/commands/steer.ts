// `pgtrek pause`, `resume`, `retry`, `skip`, `apply-schema`, `stop`: requests to a process that follows, from another
// terminal.
import { Command } from 'commander'
import type { FollowAction } from '../../../shared/follow-action.ts'
import { onlyName } from '../../follow/cleanup.ts'
import { FollowStore } from '../../store/follows.ts'
import { RunStore } from '../../store/runs.ts'
import { tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'

const orders: [name: string, action: FollowAction, meaning: string][] = [
  ['pause', { type: 'pause' }, 'suspend applying changes; the source keeps them'],
  ['resume', { type: 'resume' }, 'resume applying changes'],
  ['retry', { type: 'retry' }, 'after a conflict: retry, once the destination is fixed'],
  ['skip', { type: 'skip' }, 'after a conflict: skip the whole transaction'],
  [
    'apply-schema',
    { type: 'apply_schema' },
    'add the columns of the source table to the destination table: of the table in conflict, or of all tables that have changed',
  ],
  ['stop', { type: 'stop' }, 'stop; applied transactions stay, "pgtrek follow" continues'],
]

export function steeringCommands(): Command[] {
  return orders.map(([name, action, meaning]) =>
    new Command(name)
      .description(`control a move: ${meaning}`)
      .argument('[name]', 'name of the move; needed if there are several')
      .option('--state-dir <directory>', 'state directory of the move', '.pgtrek')
      .action(async (which: string | undefined, { stateDir }: { stateDir: string }) => {
        using store = new RunStore(stateDir)
        const follows = new FollowStore(store.database)
        const { ok, message } = await follows.controller(onlyName(follows.names(), which)).act(action)
        tell(message)
        process.exitCode = ok ? exitCode.done : exitCode.failures
      }),
  )
}
