// The flags for following, switching over and cleaning up.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseBytes, parseSeconds } from '../../../shared/amounts.ts'
import { defaultFollowOptions } from '../../../shared/defaults.ts'
import type { FollowOptions } from '../../../shared/follow-options.ts'
import { longestWatchSeconds, type SwitchoverOptions } from '../../../shared/switchover.ts'
import { UsageError } from '../../postgres/errors.ts'
import { addConfiguredConnectionFlags } from './connection.ts'
import { collect } from './words.ts'

const heading = 'Following:'
const option = (flags: string, meaning: string) => new Option(flags, meaning).helpGroup(heading)

/** For commands that work on an existing move. */
export function addMoveFlags(command: Command) {
  addConfiguredConnectionFlags(command)
  addNameFlag(command)
}

export const moveStateFlag = [
  '--state-dir <directory>',
  'state directory of the move (default: .pgtrek)',
] as const

/** The name of the move is part of the names of its slot, publication and position. */
function addNameFlag(command: Command) {
  command.addOption(
    option('--name <name>', 'name of the move (default: made from the names of both databases)'),
  )
}

export function addFollowFlags(command: Command, { begins }: { begins: boolean }) {
  addNameFlag(command)
  addPublicationFlag(command)
  if (begins) addBeginningFlags(command)
  command
    .addOption(
      option('--ready-lag <size>', 'maximum lag in bytes for cutover readiness (default: 1MB)').argParser(
        size,
      ),
    )
    .addOption(
      option('--ready-delay <time>', 'maximum lag in time for cutover readiness (default: 5s)').argParser(
        seconds,
      ),
    )
    .addOption(
      option('--ready-for <time>', 'how long the lag must stay below both (default: 10s)').argParser(seconds),
    )
    .addOption(
      option(
        '--refresh-sequences <time>',
        'interval between updates of sequences; 0: only at the switchover (default: 60s)',
      ).argParser(seconds),
    )
    .addOption(
      option(
        '--no-verify-while-following',
        'do not compare both sides while following; the switchover then compares all tables in full',
      ),
    )
    .addOption(option('--tui', 'show a full-screen dashboard, as "pgtrek tui"'))
    .addOption(option('--api-port <number>', 'also serve the page and the API on this port').argParser(port))
}

export function addPublicationFlag(command: Command) {
  command.addOption(
    option('--publication <name>', 'existing publication of the source to use instead of creating one'),
  )
}

/** Options that are fixed when a move is started. */
export function addBeginningFlags(command: Command) {
  command
    .addOption(
      option(
        '--inserts-only <table>',
        'table without replica identity whose updates and deletes are not needed (repeatable)',
      ).argParser(collect),
    )
    .addOption(
      option(
        '--engine <name>',
        'pgtrek: pgtrek decodes and applies; native: a subscription of the server, where possible (default: pgtrek)',
      ).choices(['pgtrek', 'native']),
    )
    .addOption(option('--bidirectional', 'also apply changes of the destination to the source'))
}

export interface WatchFlags {
  /** Show the dashboard instead of lines. */
  tui: boolean
  apiPort: number | undefined
}

export function watchFlagsOf(command: Command): WatchFlags {
  const { tui = false, apiPort } = command.opts<{ tui?: boolean; apiPort?: number }>()
  return { tui, apiPort }
}

interface FollowFlags {
  name?: string
  publication?: string
  engine?: FollowOptions['engine']
  insertsOnly?: string[]
  bidirectional?: boolean
  readyLag?: number
  readyDelay?: number
  readyFor?: number
  refreshSequences?: number
  verifyWhileFollowing?: boolean
}

export function followOptionsOf(command: Command): FollowOptions {
  const flags = command.opts<FollowFlags>()
  if (flags.name !== undefined && !/^[a-z0-9_]{1,40}$/.test(flags.name)) {
    throw new UsageError(
      `--name must consist of lower-case letters, digits and underscores, at most 40 characters; given: "${flags.name}"`,
    )
  }
  const usual = defaultFollowOptions
  return {
    ...usual,
    ...(flags.name !== undefined && { name: flags.name }),
    ...(flags.publication !== undefined && { publication: flags.publication }),
    engine: flags.engine ?? usual.engine,
    insertsOnly: flags.insertsOnly ?? usual.insertsOnly,
    bidirectional: flags.bidirectional ?? usual.bidirectional,
    readyLagBytes: flags.readyLag ?? usual.readyLagBytes,
    readyLagSeconds: flags.readyDelay ?? usual.readyLagSeconds,
    readyForSeconds: flags.readyFor ?? usual.readyForSeconds,
    refreshSequencesSeconds: flags.refreshSequences ?? usual.refreshSequencesSeconds,
    verifyWhileFollowing: flags.verifyWhileFollowing ?? usual.verifyWhileFollowing,
  }
}

export function addSwitchoverFlags(command: Command) {
  const about = (flags: string, meaning: string) => new Option(flags, meaning).helpGroup('Switching over:')
  command
    .addOption(
      about(
        '--timeout <time>',
        'how long to wait for an unavailable server, and for the destination to confirm the sentinel',
      )
        .argParser(seconds)
        .default(30, '30s'),
    )
    .addOption(about('--read-only-source', 'make the old primary read-only, and end its other sessions'))
    .addOption(
      about(
        '--keep-reverse',
        'apply changes back to the old primary afterwards, so that a return loses nothing',
      ),
    )
    .addOption(about('--verify', 'compare checksums of all rows instead of counts'))
    .addOption(
      about(
        '--accept-differences',
        'continue although objects of the source are missing or different on the destination',
      ),
    )
    .addOption(
      about('--refresh-materialized-views', 'refresh the migrated materialized views after the handover'),
    )
    .addOption(
      about('--sequence-margin <count>', 'number of steps to advance sequences beyond the source')
        .argParser(count)
        .default(0),
    )
    .addOption(
      about('--watch <time>', 'how long to watch the old primary for late writes; 0 checks once')
        .argParser(watchTime)
        .default(60, '60s'),
    )
    .addOption(
      about(
        '--discard-late-writes',
        'return although changes were written to the old primary after the switchover',
      ),
    )
    .addOption(about('--back', 'return to the source, after a switchover with --keep-reverse'))
}

export function switchoverOptionsOf(command: Command): SwitchoverOptions {
  const flags = command.opts<{
    timeout: number
    readOnlySource?: boolean
    keepReverse?: boolean
    verify?: boolean
    sequenceMargin: number
    acceptDifferences?: boolean
    refreshMaterializedViews?: boolean
    watch: number
    discardLateWrites?: boolean
    back?: boolean
  }>()
  return {
    timeout_seconds: flags.timeout,
    read_only_source: flags.readOnlySource ?? false,
    keep_reverse: flags.keepReverse ?? false,
    verify: flags.verify ?? false,
    accept_differences: flags.acceptDifferences ?? false,
    refresh_materialized_views: flags.refreshMaterializedViews ?? false,
    sequence_margin: flags.sequenceMargin,
    watch_seconds: flags.watch,
    discard_late_writes: flags.discardLateWrites ?? false,
    back: flags.back ?? false,
  }
}

function seconds(text: string): number {
  const time = parseSeconds(text)
  if (time === undefined) throw new InvalidArgumentError('It must be a time, such as 30s or 2m.')
  return time
}

function watchTime(text: string): number {
  const time = seconds(text)
  if (time > longestWatchSeconds) throw new InvalidArgumentError('It must be at most 336h.')
  return time
}

function size(text: string): number {
  const bytes = parseBytes(text)
  if (bytes === undefined) throw new InvalidArgumentError('It must be a size, such as 1MB.')
  return bytes
}

function port(text: string): number {
  const number = count(text)
  if (number > 65535) throw new InvalidArgumentError('It must be a port, from 0 to 65535.')
  return number
}

function count(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 0.')
  return Number(text)
}
