// `pgtrek cleanup`: drops what a move has created on both servers.
import { Command, Option } from 'commander'
import { cleanUpFollow, LateWritesFound } from '../../follow/cleanup.ts'
import { FollowStore } from '../../store/follows.ts'
import { RunStore } from '../../store/runs.ts'
import { printJson, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { addMoveFlags, addPublicationFlag, followOptionsOf, moveStateFlag } from '../flags/follow.ts'
import { endsOf, requestOf } from '../flags/request.ts'

export function cleanupCommand(): Command {
  const command = new Command('cleanup').description(
    'drop the slots, publications and positions of a move; rows stay',
  )
  addMoveFlags(command)
  addPublicationFlag(command)
  command
    .option('--writable', 'also undo the read-only setting of a switchover')
    .option(
      '--discard-late-writes',
      'drop the slot although changes were written to the old primary after the switchover',
    )
    .addOption(
      new Option(
        '--gone <side>',
        'source or dest: this server is permanently lost; clean up only the other one, and make it writable',
      ).choices(['source', 'dest']),
    )
    .option('--json', 'print one JSON object on standard output')
    .option(...moveStateFlag)
  return command.action(async () => {
    const { writable, discardLateWrites, gone, json } = command.opts<{
      writable?: boolean
      discardLateWrites?: boolean
      gone?: 'source' | 'dest'
      json?: boolean
    }>()
    const request = requestOf(command)
    using store = new RunStore(request.stateDir)
    const ends = { ...endsOf(request), follow: followOptionsOf(command) }
    const memory = new FollowStore(store.database)
    const options = {
      ...{ writable: writable ?? false, discardLateWrites },
      gone: gone === 'dest' ? ('destination' as const) : gone,
    }
    const cleaned = await cleanUpFollow(ends, memory, options).catch((error) => {
      if (!(error instanceof LateWritesFound)) throw error
      tell(`pgtrek: ${error.message}`)
      process.exitCode = exitCode.failures
    })
    if (!cleaned) return
    const { dropped, remarks } = cleaned
    const lines = [...dropped.map((one) => `dropped ${one}`), ...remarks]
    if (dropped.length === 0) lines.push('nothing to drop')
    for (const line of lines) tell(line)
    if (json) printJson(cleaned)
    process.exitCode = exitCode.done
  })
}
