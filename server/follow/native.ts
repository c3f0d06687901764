// The first copy with `--engine native`: pgtrek creates the objects, and a subscription of the destination copies rows and
// applies changes. The destination has to be able to connect to the source, and to be allowed to subscribe.

import { shortList } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { showName, tableKey } from '../../shared/table-name.ts'
import { whichServer } from '../catalog/server.ts'
import type { Plan } from '../migrate/plan/types.ts'
import { PgtrekError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { createSubscription, trySubscription } from '../replication/native/subscription.ts'
import { type FollowRecord, moveOf } from '../store/follow-memory.ts'
import {
  confirm,
  copy,
  followedTables,
  forwardLink,
  type InitialCopy,
  prepareLocked,
  recordMissing,
  refuseNothing,
} from './copy-steps.ts'
import { publish, refuseOthers } from './link.ts'
import { insertsPublication } from './names.ts'
import { readMoved } from './relations.ts'
import { undoCopy } from './undo-copy.ts'

/** A subscription is not possible; pgtrek's own stream may be. */
export class NativeImpossible extends PgtrekError {}

/** Resolves when the subscription is running, before it has copied the rows. */
export async function copyNatively(work: InitialCopy, record: FollowRecord): Promise<void> {
  const { request, status, signal } = work
  status.dispatch({ type: 'preflight_began' })
  const link = forwardLink(request, record)
  await refuseOthers(link, signal)
  await testSubscription(work, record)
  const prepared = await prepareLocked(work)
  refuseOldRows(prepared.plan)
  for (const warning of prepared.warnings) status.warn(warning)
  await confirm(request, prepared.plan)
  const { insertsOnly, leftOut, kept, ownLargeObjects, followed } = prepared
  const moved = await readMoved(link, followedTables(prepared))
  work.update({ progress: 'copying', tables: moved.tables, leftOut, kept, ownLargeObjects })
  try {
    const copied = await copy(work, prepared, { rowsElsewhere: new Set(followed.map(tableKey)) })
    refuseNothing(copied)
    const failed = new Set(copied.failedTables.map(tableKey))
    const tables = prepared.published.filter((table) => !failed.has(tableKey(table)))
    await using source = await Session.open(request.source, { signal })
    await publish(source, { ...link, tables, insertsOnly, move: moveOf(record) })
    await recordMissing(link, record, copied, signal)
    await subscribe(work, record, insertsOnly.length > 0)
    status.say(say`subscription ${link.names.slot} of the destination copies the rows and follows`)
    const isCopied = new Set(copied.tables.map(tableKey))
    work.update({
      progress: 'following',
      ...copied,
      tables: moved.tables.filter((table) => isCopied.has(tableKey(table))),
    })
  } catch (error) {
    await undoCopy(work, link, record, error)
    throw error
  }
}

/** Throws when a subscription is not possible, before anything is created. */
async function testSubscription({ request, signal }: InitialCopy, { forward }: FollowRecord) {
  if (request.follow.bidirectional) {
    throw new NativeImpossible(
      say`a subscription cannot distinguish its own changes from those that come back`,
    )
  }
  const upserts = request.options.existingDataMode !== 'truncate'
  if (upserts) throw new NativeImpossible(say`a subscription cannot add rows to existing rows`)
  await using source = await Session.open(request.source, { signal })
  await using destination = await Session.open(request.destination, { signal })
  if ((await whichServer(source)) === (await whichServer(destination))) {
    throw new NativeImpossible(
      say`a server cannot create a subscription to itself: it would wait for its own transaction`,
    )
  }
  await impossibleWhen(() => trySubscription(destination, forward.slot, request.source))
}

/** A subscription copies in its own transactions, so old rows would be deleted before the new ones are there. */
function refuseOldRows({ destroyed }: Plan) {
  const filled = destroyed.filter(({ action }) => action === 'truncate').map(showName)
  if (filled.length === 0) return
  throw new NativeImpossible(
    say`a subscription cannot replace rows in one transaction, and these tables of the destination have some: ${shortList(filled)}`,
  )
}

async function subscribe({ request, signal }: InitialCopy, record: FollowRecord, withInserts: boolean) {
  const { forward } = record
  const publications = [forward.publication, ...(withInserts ? [insertsPublication(forward)] : [])]
  await using destination = await Session.open(request.destination, { signal })
  await impossibleWhen(() =>
    createSubscription(destination, forward.slot, request.source, publications, moveOf(record)),
  )
}

async function impossibleWhen(subscribing: () => Promise<void>) {
  try {
    await subscribing()
  } catch (error) {
    const { message } = error as Error
    throw new NativeImpossible(say`the destination cannot subscribe to the source: ${message}`, {
      cause: error,
    })
  }
}
