// `pgtrek repair`: puts back the foreign keys and triggers that a run which was killed has left away.
import { Command } from 'commander'
import { describeSaved, TakenAway } from '../engine/taken-away.ts'
import { UsageError } from '../postgres/errors.ts'
import { endSessionsOf } from '../postgres/mark.ts'
import { Session } from '../postgres/session.ts'
import { resolveSettings } from '../postgres/settings.ts'
import { RunStore } from '../store/runs.ts'
import { exitCode } from './exit.ts'

interface RepairFlags {
  dest?: string
  list?: boolean
  stateDir: string
}

export function repairCommand(): Command {
  return new Command('repair')
    .description('put back foreign keys and triggers that a run which was killed has left away')
    .option('--dest <url>', 'the destination of that run (PGTREK_DEST)')
    .option('--list', 'only say what is away, on all destinations')
    .option('--state-dir <directory>', 'where that run remembered it', '.pgtrek')
    .action(async (flags: RepairFlags) => {
      process.exitCode = await repair(flags)
    })
}

async function repair(flags: RepairFlags): Promise<number> {
  using store = new RunStore(flags.stateDir)
  const say = (line: string) => process.stderr.write(`${line}\n`)
  if (flags.list) {
    const items = store.takenAway()
    for (const { destination, saved } of items)
      process.stdout.write(`${destination}: ${describeSaved(saved)}\n`)
    if (items.length === 0) say('nothing is away')
    return exitCode.done
  }
  const url = flags.dest ?? process.env.PGTREK_DEST
  if (!url)
    throw new UsageError('no destination: say --dest postgres://user@host/database or set PGTREK_DEST')
  const settings = resolveSettings({ url })
  const items = store.takenAway(settings)
  for (const process of store.busyWith(settings)) {
    say(`process ${process} is still at work on this destination, and puts back itself what it took away`)
  }
  if (items.length === 0) {
    say('nothing is away on this destination that a repair could put back')
    return exitCode.done
  }
  let session: Session
  try {
    session = await Session.open(settings)
  } catch (error) {
    say(`pgtrek: ${error instanceof Error ? error.message : String(error)}`)
    return exitCode.cannotRun
  }
  await using _ = session
  await session.execute("set search_path = ''")
  // One that waits for a table would take away again what is put back here.
  await endSessionsOf(store.killed(settings), session)
  const takenAway = new TakenAway({
    pending: () => items,
    save: () => {
      throw new Error('a repair takes nothing away')
    },
    forget: (id) => store.forget(id),
  })
  const failures = await takenAway.putBack(session)
  const open = new Set(store.takenAway(settings).map(({ id }) => id))
  for (const { id, saved } of items) if (!open.has(id)) say(`${describeSaved(saved)} is back`)
  for (const failure of failures) say(`error: ${failure.message}`)
  return failures.length > 0 ? exitCode.failures : exitCode.done
}
