// `pgtrek repair`: restores the foreign keys and triggers that a killed run has left dropped or disabled.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { messageOf } from '../../../shared/message-of.ts'
import { endSessionsOf } from '../../coordination/run-sessions.ts'
import {
  describeNote,
  describeSaved,
  readNotesWhenSettled,
  tidyNotes,
} from '../../coordination/suspension-notes.ts'
import { SuspendedConstraints } from '../../migrate/run/suspended-constraints.ts'
import { UsageError } from '../../postgres/errors.ts'
import { resolveSettings } from '../../postgres/resolve-settings.ts'
import { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { RunStore } from '../../store/runs.ts'
import { print, tell } from '../../system/output.ts'
import { exitCode } from '../exit.ts'

interface RepairFlags {
  dest?: string
  list?: boolean
  stateDir: string
}

export function repairCommand(): Command {
  return new Command('repair')
    .description(
      'restore foreign keys and triggers that a killed run left suspended, from the notes on the destination; the run may have been on any machine',
    )
    .option('--dest <url>', 'destination of the run (PGTREK_DEST)')
    .option('--list', 'only list what is suspended, according to the destination or the state directory')
    .option(
      '--state-dir <directory>',
      'state directory of runs that could not store notes on the destination',
      '.pgtrek',
    )
    .action(async (flags: RepairFlags) => {
      process.exitCode = await repair(flags)
    })
}

async function repair(flags: RepairFlags): Promise<number> {
  // Do not create a state directory.
  const known = existsSync(join(flags.stateDir, 'pgtrek.sqlite'))
  using store = known ? new RunStore(flags.stateDir) : undefined
  const url = flags.dest ?? process.env.PGTREK_DEST
  if (!url) {
    if (flags.list) return listKnownHere(store)
    throw new UsageError('no destination given: use --dest postgres://user@host/database or set PGTREK_DEST')
  }
  const settings = resolveSettings({ url })
  let session: Session
  try {
    session = await Session.open(settings)
  } catch (error) {
    tell(`pgtrek: ${messageOf(error)}`)
    return exitCode.cannotRun
  }
  await using _ = session
  await session.execute("set search_path = ''")
  return flags.list
    ? await listSuspended(session, store, settings)
    : await restoreAll(session, store, settings)
}

function listKnownHere(store: RunStore | undefined): number {
  const items = store?.suspended() ?? []
  for (const { destination, saved } of items) print([`${destination}: ${describeSaved(saved)}`])
  const none = 'this state directory records nothing suspended'
  if (items.length === 0) tell(`${none}; use --dest URL to read the notes on a destination`)
  return exitCode.done
}

async function listSuspended(
  session: Session,
  store: RunStore | undefined,
  settings: ConnectionSettings,
): Promise<number> {
  const { left, busy, distrusted } = await readNotesWhenSettled(session)
  if (distrusted !== undefined) tell(distrusted)
  for (const note of left) print([describeNote(note)])
  for (const { saved } of store?.suspended(settings) ?? []) print([describeSaved(saved)])
  for (const note of busy) print([`${describeNote(note)}, which is still running and restores it itself`])
  const count = left.length + busy.length + (store?.suspended(settings).length ?? 0)
  if (count === 0 && distrusted === undefined) tell('nothing is suspended on this destination')
  return distrusted === undefined ? exitCode.done : exitCode.failures
}

async function restoreAll(
  session: Session,
  store: RunStore | undefined,
  settings: ConnectionSettings,
): Promise<number> {
  const { left, busy, distrusted } = await readNotesWhenSettled(session)
  if (distrusted !== undefined) tell(`error: ${distrusted}`)
  for (const run of new Set(busy.map(({ run, writer }) => `run ${run} (${writer})`)))
    tell(`${run} is still running on this destination and restores what it suspended`)
  for (const process of store?.busyWith(settings) ?? [])
    tell(`process ${process} is still running on this destination and restores what it suspended`)
  const pending = store?.suspended(settings) ?? []
  if (left.length + pending.length === 0) {
    await tidyNotes(session)
    if (distrusted !== undefined) return exitCode.failures
    tell('nothing on this destination is dropped or disabled that a repair could restore')
    return exitCode.done
  }
  // A session of the run that still waits for a table would suspend again what is restored here.
  await endSessionsOf([...(store?.killed(settings) ?? []), ...left.map(({ run }) => run)], session)
  const suspended = new SuspendedConstraints({
    run: 'repair',
    left,
    isThere: true,
    warn: tell,
    memory: {
      place: 'nowhere',
      pending: () => pending,
      save: () => {
        throw new Error('a repair suspends nothing')
      },
      forget: (id) => store?.forget(id),
    },
  })
  const failures = await suspended.restore(session)
  const open = new Set(suspended.items.map(({ id }) => id))
  for (const { id, saved } of [...left, ...pending])
    if (!open.has(id)) tell(`restored: ${describeSaved(saved)}`)
  for (const failure of failures) tell(`error: ${failure.message}`)
  return failures.length > 0 || distrusted !== undefined ? exitCode.failures : exitCode.done
}
