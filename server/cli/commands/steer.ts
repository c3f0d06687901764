// `pgtrek pause`, `resume`, `retry`, `skip`, `apply-schema`, `stop`: what a process that follows is asked to do,
// from another terminal.
import { Command } from 'commander'
import type { FollowAction } from '../../../shared/follow-view.ts'
import { onlyName } from '../../follow/cleanup.ts'
import { FollowStore } from '../../store/follows.ts'
import { RunStore } from '../../store/runs.ts'
import { tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'

const orders: [name: string, action: FollowAction, meaning: string][] = [
  ['pause', { type: 'pause' }, 'let the changes wait on the source'],
  ['resume', { type: 'resume' }, 'apply them again'],
  ['retry', { type: 'retry' }, 'after a conflict: the destination was mended, try again'],
  ['skip', { type: 'skip' }, 'after a conflict: leave that transaction out, whole'],
  [
    'apply-schema',
    { type: 'apply_schema' },
    "give the destination's table the columns that the source's has: of the table in conflict, or of all that have changed",
  ],
  ['stop', { type: 'stop' }, 'end with what is whole; "pgtrek follow" goes on'],
]

export function steeringCommands(): Command[] {
  return orders.map(([name, action, meaning]) =>
    new Command(name)
      .description(`of a database that is followed: ${meaning}`)
      .argument('[name]', 'which one, where there are several')
      .option('--state-dir <directory>', 'where that process keeps its state', '.pgtrek')
      .action(async (which: string | undefined, { stateDir }: { stateDir: string }) => {
        using store = new RunStore(stateDir)
        const follows = new FollowStore(store.database)
        const { ok, message } = await follows.controller(onlyName(follows.names(), which)).act(action)
        tell(message)
        process.exitCode = ok ? exitCode.done : exitCode.failures
      }),
  )
}
