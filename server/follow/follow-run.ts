// A database that is copied and followed, from its first look at both ends until it is switched over, stopped
// or failed: what is asked of it, here or through the store, is done here.

import { hostname } from 'node:os'
import type { FollowEvent } from '../../shared/follow.ts'
import { describeUndone } from '../../shared/follow-health.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type {
  Direction,
  FollowAction,
  FollowAnswer,
  FollowController,
  FollowView,
  RecopyView,
  SwitchoverOptions,
  SwitchoverReport,
} from '../../shared/follow-view.ts'
import { formatCount, formatDuration } from '../../shared/format.ts'
import { describeLate } from '../../shared/late-writes.ts'
import { messageOf } from '../../shared/message-of.ts'
import { showName, type TableName, tableKey } from '../../shared/table-name.ts'
import type { RunLock } from '../coordination/run-lock.ts'
import { describeNote, readNotes } from '../coordination/suspension-notes.ts'
import { Cancelled, ConnectFailed, errorInfo, PgtrekError, UsageError } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { describeSettings } from '../postgres/settings.ts'
import { Follower, type Following } from '../replication/apply/follower.ts'
import { OwnWrites } from '../replication/apply/own-writes.ts'
import { Touched } from '../replication/apply/touched.ts'
import { NativeFollower } from '../replication/native/native-follower.ts'
import { parseLsn } from '../replication/stream/lsn.ts'
import { readPublication } from '../replication/stream/publication.ts'
import { type FollowRecord, moveOf } from '../store/follow-memory.ts'
import { applySchema } from './apply-schema.ts'
import { lockMove } from './cleanup.ts'
import { BackgroundComparison, troubleOf } from './comparison/background-comparison.ts'
import { discover, unknownRecord, wasSwitchedOver } from './discover.ts'
import { FollowStatus } from './follow-state.ts'
import {
  addForeignWrites,
  ForeignWatch,
  forgetForeignWrites,
  isWrittenByOthers,
  nameOthers,
  renamedForeignWrites,
} from './foreign-writes.ts'
import { clearTheWay, copyFirst, type InitialCopy, newRecord } from './initial-copy.ts'
import { dropLink, type Link, leaveLink, makeLink, type Owner, settleLink } from './link.ts'
import { FollowMonitor } from './monitor.ts'
import { readMoveFacts } from './move-state.ts'
import { checkObjects } from './moved-objects.ts'
import { followName, insertsPublication, linkNames } from './names.ts'
import { copyNatively, NativeImpossible } from './native.ts'
import { markLearned, markSkipped } from './ownership.ts'
import { type Choice, chooseTables, refuseRecopy } from './recopy/choice.ts'
import { describeRecopied, forgetGone, reach, recopy, showNames } from './recopy/recopy.ts'
import { allTables, leftOutTables, wantedTables, withNames, withPairs } from './relations.ts'
import type { CloneAndFollow, FollowEnds, FollowServices } from './request.ts'
import { patiently } from './retry.ts'
import type { RunState, RunTransition } from './run-state.ts'
import { forgetSkipped, isSkippedIn, rememberSkipped } from './skipped.ts'
import {
  HandOverUnknown,
  handOver,
  isAtItsEnd,
  makeWritable,
  missedHandOver,
  primarySide,
} from './switchover/hand-over.ts'
import { LateWatch, type Watched } from './switchover/late-watch.ts'
import { settleMaterializedViews } from './switchover/materialized-views.ts'
import { analyzeTables, fillMaterializedViews } from './switchover/native-rows.ts'
import { sentinelPrefix, writeSentinel } from './switchover/sentinel.ts'
import type { SequenceState } from './switchover/sequences.ts'
import { switchOver } from './switchover/switchover.ts'
import { type Learned, withLearned, withWhole } from './unsent-rows.ts'

export interface FollowResult {
  status: 'stopped' | 'switched_over' | 'failed' | 'cancelled'
  error?: unknown
}

const askedEveryMs = 200
const tellEveryMs = 500
/** Where nothing happens for long, as while a large index is built, others still see that somebody is there. */
const silentAtMostMs = 2000
/** How often the side that was left is looked at, while somebody waits for it and later. */
const watchEveryMs = { atFirst: 1000, later: 5000 }

export class FollowRun implements FollowController {
  readonly name: string
  /** Never rejects. */
  readonly done: Promise<FollowResult>
  isRunning = true
  readonly #status: FollowStatus
  #record: FollowRecord
  readonly #ended = Promise.withResolvers<FollowResult['status']>()
  readonly #arrived = new Set<string>()
  readonly #stop = new AbortController()
  #switching: Promise<void> | undefined
  #recopying: Promise<void> | undefined
  readonly #stopRecopy = new AbortController()
  #altering: Promise<FollowAnswer> | undefined
  /** Of the destination. */
  #locked: RunLock | undefined
  #lost: Error | undefined
  /** What others see of an earlier move of this name stays until this run has taken its place. */
  #isOwn: boolean
  readonly #before: FollowView | undefined
  /** Lives as long as the way that it compares, whoever applies. */
  #comparison: { direction: Direction; touched: Touched; background: BackgroundComparison } | undefined
  #lookout: FollowMonitor | undefined
  /** Of the side that was left by the last switchover. */
  #watch: LateWatch | undefined
  /** What we write to the destination, and what others do. */
  readonly #written = new OwnWrites()
  readonly #foreign: ForeignWatch
  /** Sessions of ours write whose rows nobody counts. */
  #isFilling = false
  /** Of the publication, one behind the other. */
  #marking = Promise.resolve()
  #toldAt = 0
  #telling: ReturnType<typeof setTimeout> | undefined
  readonly #listeners = new Set<(transition: RunTransition) => void>()

  private constructor(
    readonly ends: FollowEnds,
    readonly services: FollowServices,
    begin: CloneAndFollow | undefined,
  ) {
    this.name = followName(ends)
    const { memory } = services
    memory.take(this.name)
    const earlier = memory.load(this.name)
    this.#before = memory.lastView(this.name)
    this.#isOwn = earlier === undefined
    this.#record = begin ? newRecord(begin) : (earlier ?? unknownRecord(this.name, ends))
    this.#status = new FollowStatus(
      () => this.#record,
      ends.follow,
      (urgency) => this.#changed(urgency),
      services.onLine,
      (transition) => this.#publish(transition),
    )
    this.#foreign = new ForeignWatch(this.#written, services.foreignWatch)
    services.signal.addEventListener('abort', this.#abort, { once: true })
    // It may fail before anybody waits for it.
    this.#ended.promise.catch(() => {})
    this.done = this.#run(begin, earlier)
  }

  /** Copies, and follows from there on. Throws a UsageError when another process works on the same move. */
  static clone(request: CloneAndFollow, services: FollowServices): FollowRun {
    return new FollowRun(request, services, request)
  }

  /** Goes on with what was begun. */
  static continue(ends: FollowEnds, services: FollowServices): FollowRun {
    return new FollowRun(ends, services, undefined)
  }

  /** Until the returned function is called: each change of its state, from now on. */
  subscribe(listener: (transition: RunTransition) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #publish(transition: RunTransition) {
    this.services.onTransition?.(transition)
    for (const listener of this.#listeners) listener(transition)
  }

  get state(): RunState {
    return this.#status.run
  }

  view(): FollowView {
    const { failure } = this.services.memory
    const view = { ...this.#status.view(Date.now()), ...(failure && { storage_failure: failure }) }
    return this.isRunning ? { ...view, process: { host: hostname(), pid: process.pid } } : view
  }

  async act(action: FollowAction): Promise<FollowAnswer> {
    const done = (message: string): FollowAnswer => ({ ok: true, message })
    const refused = (message: string): FollowAnswer => ({ ok: false, message })
    if (!this.isRunning) return refused('it has ended')
    if (action.type === 'stop') {
      this.#abort()
      return done('stopping')
    }
    const followers = [...this.#status.followers.values()]
    if (this.#switching) return refused('a switchover is under way')
    if (this.#recopying) return refused('tables are being copied anew')
    if (this.#altering) return refused('tables of the destination are being changed')
    if (followers.length === 0) {
      const { stage } = this.#status
      return refused(
        stage === 'done'
          ? 'it has only just started, and changes do not flow back yet: ask again in a moment'
          : `changes do not flow yet (${stage}): ask again once they do`,
      )
    }
    switch (action.type) {
      case 'pause':
        for (const follower of followers) follower.pause()
        return done('pausing')
      case 'resume':
        for (const follower of followers) follower.resume()
        return done('resuming')
      case 'retry':
        if (followers.filter((follower) => follower.retry()).length === 0) {
          return refused('there is no conflict')
        }
        this.#status.dispatch({ type: 'conflict_decided' })
        return done('trying again')
      case 'skip':
        if (followers.filter((follower) => isMeant(follower, action) && follower.skip()).length === 0) {
          return refused('there is no such conflict')
        }
        this.#status.dispatch({ type: 'conflict_decided' })
        return done('the transaction is skipped')
      case 'apply_schema':
        return await this.#applySchema(action)
      case 'recopy':
        return await this.#beginRecopy(action.tables)
      case 'switchover':
        return this.#beginSwitchover(action.options)
    }
  }

  /** Of the table in conflict, which is then tried again; without one, of all tables that have changed. */
  async #applySchema(seen: { lsn?: string | undefined }): Promise<FollowAnswer> {
    for (const [direction, follower] of this.#status.followers) {
      const table = follower.status.conflict?.table
      if (!table || !isMeant(follower, seen)) continue
      const message = await this.#applyTo(this.#link(direction), table)
      if (message.ok && follower.retry()) this.#status.dispatch({ type: 'conflict_decided' })
      return message
    }
    if (seen.lsn !== undefined) return { ok: false, message: 'there is no such conflict about a table' }
    return await this.#applySchemaAhead()
  }

  /** Where no change has come yet that needs it. Everything from before is applied first, as it was then. */
  async #applySchemaAhead(): Promise<FollowAnswer> {
    const { direction } = this.#record
    const follower = this.#status.followers.get(direction)
    const altered = this.#status.objects?.altered ?? []
    if (!follower || this.#isBothWays || this.#record.native || altered.length === 0) {
      return {
        ok: false,
        message: 'there is no conflict about a table, and no table whose columns have changed is known',
      }
    }
    if (follower.status.phase !== 'streaming') return { ok: false, message: `it is ${follower.status.phase}` }
    this.#altering = this.#alter(direction, follower, altered)
    return await this.#altering.finally(() => {
      this.#altering = undefined
    })
  }

  /** Never rejects: whatever becomes of it, changes flow afterwards. */
  async #alter(
    direction: Direction,
    follower: Following,
    altered: readonly TableName[],
  ): Promise<FollowAnswer> {
    const link = this.#link(direction)
    const { signal } = this.#stop
    const answers: FollowAnswer[] = []
    try {
      await using source = await Session.open(link.from, { signal })
      const { lsn } = await writeSentinel(source)
      await reach(follower, lsn, signal)
      for (const table of altered) answers.push(await this.#applyTo(link, table))
    } catch (error) {
      answers.push({ ok: false, message: errorInfo(error).message })
    }
    if (!signal.aborted) await this.#startAgain(direction, { paused: false })
    this.#lookout?.soon()
    return {
      ok: answers.every(({ ok }) => ok),
      message: answers.map(({ message }) => message.replace('; trying again', '')).join('; '),
    }
  }

  /** Values that it gives to older rows are ours, and in the counts of any table of the tree. */
  async #applyTo({ from, to, names }: Link, table: TableName): Promise<FollowAnswer> {
    this.#isFilling = true
    try {
      const work = { from, to, table, positionName: names.position }
      return await applySchema(work, (line, level) => this.#status.say(line, level))
    } finally {
      this.#foreign.forget()
      this.#isFilling = false
    }
  }

  async #beginRecopy(names: readonly string[]): Promise<FollowAnswer> {
    const refused = (message: string): FollowAnswer => ({ ok: false, message })
    const refusal = refuseRecopy(this.#record)
    if (refusal !== undefined) return refused(refusal)
    const link = this.#link('forward')
    const update = (change: Partial<FollowRecord>) => this.#update(change)
    let choice: Choice
    try {
      choice = await chooseTables(link, await publicationsOf(link.from, link.names), this.#record, names)
    } catch (error) {
      return refused(errorInfo(error).message)
    }
    // Somebody else may have been quicker.
    if (this.#switching || this.#recopying || this.#altering || !this.#locked)
      return refused('something else is under way')
    if (choice.gone.length > 0) await forgetGone({ link, record: () => this.#record, update }, choice.gone)
    if (choice.tables.length === 0) {
      const gone = showNames(choice.gone)
      return {
        ok: true,
        message: gone
          ? `the source has these tables no more, so they have not failed either: ${gone}`
          : 'no table has failed: there is nothing to copy anew',
      }
    }
    this.#recopying = this.#recopy(link, choice, this.#locked)
    return { ok: true, message: `copying anew: ${showNames(choice.tables)}` }
  }

  /** Never rejects: whatever becomes of it, changes flow afterwards. */
  async #recopy(link: Link, choice: Choice, lock: RunLock) {
    const status = this.#status
    const tables = choice.tables.map(({ schema, name }) => ({ schema, name }))
    const begun = { started_at: Date.now(), tables }
    const isPaused = status.followers.get('forward')?.status.phase === 'paused'
    const signal = AbortSignal.any([this.#stop.signal, this.#stopRecopy.signal])
    status.recopy = { ...begun, state: 'running' }
    status.troubles.set('recopy', `tables are being copied anew: ${showNames(tables)}`)
    status.dispatch({ type: 'recopy_began' })
    status.say(`copying anew: ${showNames(tables)}`)
    status.onChange('now')
    // What it has proven of these tables does not hold any more.
    await this.#endComparison()
    let outcome: Pick<RecopyView, 'state' | 'message'>
    try {
      const failed = await recopy({
        ...{ ends: this.ends, services: this.services, link, choice, status, lock, signal },
        record: () => this.#record,
        update: (change) => this.#update(change),
        followPaused: () => this.#startInstead('forward', { paused: true, compares: false }),
      })
      const message = describeRecopied(tables, failed)
      outcome = { state: failed.length > 0 ? 'failed' : 'done', message }
      status.say(message, failed.length > 0 ? 'error' : 'info')
    } catch (error) {
      outcome = { state: 'failed', message: errorInfo(error).message }
      status.fail(error)
    }
    if (!signal.aborted) await this.#startAgain('forward', { paused: isPaused })
    // Other sessions of ours have filled them.
    const isChosen = new Set(choice.tables.map(tableKey))
    this.#foreign.forget(allTables(this.#record).filter((table) => isChosen.has(tableKey(table))))
    // Whoever sees that it is over may ask for the next thing.
    this.#recopying = undefined
    status.troubles.delete('recopy')
    status.recopy = { ...begun, ...outcome }
    status.dispatch({ type: 'recopy_ended' })
    status.onChange('now')
  }

  async #startInstead(
    direction: Direction,
    how: { paused: boolean; compares?: boolean },
  ): Promise<Following> {
    const before = this.#status.followers.get(direction)
    this.#status.unfollow(direction)
    await before?.stop().catch(() => {})
    return await this.#start(direction, how)
  }

  async #startAgain(direction: Direction, how: { paused: boolean }) {
    try {
      await this.#patiently(() => this.#startInstead(direction, how), this.#record)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#status.fail(error)
      this.#ended.reject(error)
    }
  }

  async #run(begin: CloneAndFollow | undefined, earlier: FollowRecord | undefined): Promise<FollowResult> {
    const { memory } = this.services
    const asking = setInterval(() => void this.#heedOthers(), askedEveryMs)
    try {
      // Where nothing was begun, whoever has typed the command is still there.
      await using locks = begin ? await this.#lock() : await this.#patiently(() => this.#lock(), earlier)
      this.#locked = locks.destination
      if (begin) await this.#copy(begin, earlier, locks.destination)
      else await this.#patiently(() => this.#findAgain(earlier, locks.destination), earlier)
      const status = await this.#follow()
      this.#status.end('stopped')
      return { status }
    } catch (error) {
      if (this.#lost) {
        await this.#stopFollowers()
        this.#status.end('failed', this.#lost)
        return { status: 'failed', error: this.#lost }
      }
      const isCancelled = error instanceof Cancelled || this.#stop.signal.aborted
      this.#status.end(isCancelled ? 'stopped' : 'failed', isCancelled ? undefined : error)
      if (error instanceof MoveOver) this.#showAgain()
      return { status: isCancelled ? 'cancelled' : 'failed', error }
    } finally {
      clearInterval(asking)
      await this.#marking
      await this.#watch?.abandon()
      this.isRunning = false
      // Nothing was made that somebody would have to find again; what another has made is not forgotten.
      const saved = memory.load(this.name)
      if (!saved || saved.progress === 'preparing') memory.forget(this.name)
      this.services.signal.removeEventListener('abort', this.#abort)
      this.#tell()
      memory.release(this.name)
    }
  }

  /** Nothing was begun: what others see is still how the move has ended. */
  #showAgain() {
    if (!this.#before) return
    this.#isOwn = false
    this.services.memory.publish({ ...this.#before, stage: 'done', state: 'stopped' })
  }

  async #patiently<T>(work: () => Promise<T>, earlier: FollowRecord | undefined): Promise<T> {
    const result = await patiently(work, {
      signal: this.#stop.signal,
      onWait: (error) => this.#status.wait(error),
      // Of a move that nobody knows the name may be mistyped.
      isWorthIt: (error) =>
        earlier !== undefined || !(error instanceof ConnectFailed && error.reason === 'host'),
    })
    this.#status.wait(undefined)
    return result
  }

  /** On both servers, for as long as this process works on the move: another one is refused, wherever it runs. */
  async #lock() {
    const { source, destination } = this.ends
    const onLost = (error: Error) => {
      this.#lost = error
      this.#stop.abort()
      this.#ended.reject(error)
    }
    const stack = new AsyncDisposableStack()
    try {
      stack.use(await lockMove(source, this.name, onLost))
      const lock = stack.use(await lockMove(destination, this.name, onLost))
      return { destination: lock, [Symbol.asyncDispose]: () => stack.disposeAsync() }
    } catch (error) {
      await stack.disposeAsync()
      throw error
    }
  }

  /** What the store has forgotten, or never knew, the servers know. */
  async #findAgain(earlier: FollowRecord | undefined, lock: RunLock) {
    if (earlier && !isInCopy(earlier)) {
      this.#isOwn = true
      await this.#learnHandOver()
    } else {
      // Killed right after its copy, it could not write down that it was whole.
      const found = await discover(this.name, this.ends, this.#stop.signal)
      this.#isOwn = true
      const { moved, kept } = earlier ?? {}
      this.#update({ ...found, ...(moved && { moved }), ...(kept && { kept }) })
      this.#status.say('found slot, publication and position of an earlier process on the servers')
    }
    await this.#finishHandOver()
    refuseOver(this.#record)
    await this.#nameLeftovers()
    const { failedObjects, direction, tables } = this.#record
    if (failedObjects) this.#status.troubles.set('objects', failedObjects)
    if (direction === 'forward') await lock.take(tables)
  }

  /** What a copy that was killed has dropped on the destination: following does not put it back. */
  async #nameLeftovers() {
    await using destination = await Session.open(this.ends.destination, { signal: this.#stop.signal })
    const { left, distrusted } = await readNotes(destination)
    if (distrusted !== undefined) this.#status.warn(distrusted)
    for (const note of left)
      this.#status.warn(
        `still suspended on the destination; restore it with "pgtrek repair": ${describeNote(note)}`,
      )
  }

  /** The process before may have been killed before it could write it down, or it was another state directory. */
  async #learnHandOver() {
    const { forward, back } = this.#record
    const signal = this.#stop.signal
    await using source = await Session.open(this.ends.source, { signal })
    await using destination = await Session.open(this.ends.destination, { signal })
    const links = { forward, back: back ?? linkNames(this.name, 'back') }
    const facts = await readMoveFacts(source, destination, this.name, links)
    const missed = missedHandOver(this.#record, facts)
    if (!missed) return
    this.#update(missed)
    this.#status.warn('the servers say that it was handed over: a switchover was broken off after that')
  }

  readonly #abort = () => {
    this.#stop.abort()
    this.#ended.resolve('stopped')
  }

  async #copy(begin: CloneAndFollow, earlier: FollowRecord | undefined, lock: RunLock) {
    const work = {
      lock,
      request: begin,
      memory: this.services.memory,
      status: this.#status,
      update: (change: Partial<FollowRecord>) => this.#update(change),
      signal: this.#stop.signal,
    }
    await clearTheWay(earlier, work)
    this.#isOwn = true
    this.#update({})
    await this.#copyBy(begin.follow.engine, work)
    if (this.#record.bidirectional) await this.#makeBack({ isWayBack: false })
  }

  /** Where the server cannot do it itself, we do. */
  async #copyBy(engine: FollowOptions['engine'], work: InitialCopy) {
    if (engine === 'pgtrek') return await copyFirst(work, this.#record)
    try {
      await copyNatively(work, this.#record)
      this.#update({ native: true })
    } catch (error) {
      if (!(error instanceof NativeImpossible)) throw error
      this.#status.warn(`${error.message}; followed by pgtrek's own stream instead`)
      this.services.memory.take(this.name)
      this.#update({ progress: 'preparing' })
      await copyFirst(work, this.#record)
    }
  }

  /** Until somebody ends it, it cannot go on, or it was switched over. */
  async #follow(): Promise<FollowResult['status']> {
    const { refreshSequencesSeconds } = this.ends.follow
    await using lookout = new FollowMonitor({
      record: () => this.#record,
      links: () => this.#links(),
      status: this.#status,
      refreshSequencesSeconds,
      onNames: (direction, from, to) => {
        const renamed = withNames(this.#record, direction, from, to)
        if (renamed) this.#update(renamed)
      },
      onLearned: (learned) => this.#learn(learned),
      publicationOf: ({ from, names }) => publicationsOf(from, names),
      tableCheckEveryMs: this.services.tableCheckEveryMs,
      onDestination: async (destination) => {
        const isBusy = this.#switching !== undefined || this.#recopying !== undefined || this.#isFilling
        if (!isBusy && this.#foreign.isDue) await this.#lookForOthers(destination)
      },
    })
    const follow = <T>(work: () => Promise<T>) => this.#patiently(work, this.#record)
    await follow(() => this.#undoBrokenOff())
    const changes = this.#record.native ? 'native_copy' : 'changes'
    const what = this.#record.progress === 'done' ? 'way_back' : changes
    this.#status.dispatch({ type: 'follow_began', with: what })
    if (this.#isBothWays) {
      await follow(() => this.#start('forward'))
      await follow(() => this.#start('back'))
    } else {
      await follow(() => this.#start(this.#record.direction))
    }
    this.#lookout = lookout
    // How far behind it begins is known only now.
    lookout.soon()
    if (this.#isLeftWatched) this.#watchLeft()
    const status = await this.#ended.promise.finally(() => {
      this.#stopRecopy.abort()
      return this.#recopying
    })
    // A switchover that is under way finds out by the signal, and takes back what it has begun.
    await this.#switching
    await this.#altering
    await this.#endComparison()
    await this.#stopFollowers()
    return await this.#endWatch(status)
  }

  /** What a switchover has left tells what is written there since. */
  get #isLeftWatched(): boolean {
    const { handedOver, direction } = this.#record
    return handedOver !== undefined && handedOver.direction !== direction && !handedOver.isReleased
  }

  /** Both directions at once, until a switchover ends one of them. */
  get #isBothWays(): boolean {
    return this.#record.bidirectional && !this.#record.handedOver
  }

  async #stopFollowers() {
    for (const follower of this.#status.followers.values()) await follower.stop().catch(() => {})
  }

  /** That changes flow through now. */
  #links(): Link[] {
    return this.#allLinks().filter(
      ({ direction }) => this.#isBothWays || direction === this.#record.direction,
    )
  }

  #allLinks(): Link[] {
    const { source, destination } = this.ends
    const { forward, back } = this.#record
    const links: Link[] = [{ direction: 'forward', from: source, to: destination, names: forward }]
    if (back) links.push({ direction: 'back', from: destination, to: source, names: back })
    return links
  }

  #link(direction: Direction): Link {
    const link = this.#allLinks().find((one) => one.direction === direction)
    if (!link) throw new PgtrekError('changes do not flow back: the switchover was without --keep-reverse')
    return link
  }

  async #start(direction: Direction, { paused = false, compares = true } = {}): Promise<Following> {
    const { from, to, names } = this.#link(direction)
    const { bidirectional, native } = this.#record
    if (native && direction === 'forward') return await this.#startNative(from, to, names.slot)
    const follower = await Follower.start({
      source: from,
      destination: to,
      slot: names.slot,
      publication: await publicationsOf(from, names),
      positionName: names.position,
      tables: wantedTables(this.#record, direction),
      leftOut: leftOutTables(this.#record, direction),
      onTables: (pairs) => this.#update(withPairs(this.#record, direction, pairs)),
      origin: bidirectional ? 'none' : 'any',
      touched: compares ? this.#compareMeanwhile(direction) : undefined,
      written: direction === 'forward' ? this.#written : undefined,
      onEvent: (event) => this.#heard(direction, event),
      paused,
    })
    this.#keep(direction, follower)
    if (compares) this.#comparison?.background.start()
    return follower
  }

  /** Where both sides are in use there is no moment at which they have to be the same. */
  #compareMeanwhile(direction: Direction): Touched | undefined {
    const { bidirectional } = this.#record
    if (bidirectional || !this.ends.follow.verifyWhileFollowing) return undefined
    if (this.#comparison?.direction !== direction) {
      const touched = new Touched()
      const background = new BackgroundComparison({
        ...{ link: this.#link(direction), touched, status: this.#status },
        record: () => this.#withJoined(),
        onEqual: (tables, members) => {
          this.#foundEqual(tables)
          const change = withWhole(this.#record, tables, members)
          if (change) this.#update(change)
        },
        everyMs: this.services.compareEveryMs,
      })
      this.#comparison = { direction, touched, background }
      this.#status.verification = () => background.view()
    }
    return this.#comparison.touched
  }

  async #endComparison() {
    await this.#comparison?.background.pause()
    this.#comparison = undefined
    this.#status.verification = undefined
    for (const key of this.#status.troubles.keys()) {
      if (key.startsWith('different ')) this.#status.troubles.delete(key)
    }
  }

  async #startNative(source: Link['from'], destination: Link['to'], subscription: string) {
    const follower: NativeFollower = await NativeFollower.start({
      source,
      destination,
      subscription,
      onLook: () => this.#status.nativeLooked(follower.copied),
      onCopied: () => {
        this.#status.say('the rows of all tables have come, they are analyzed')
        void this.#finishNative().catch((error) => this.#status.warn(messageOf(error)))
      },
    })
    this.#keep('forward', follower)
    return follower
  }

  /** What a copy of our own does behind its rows. */
  async #finishNative() {
    const { source, destination } = this.ends
    await using to = await Session.open(destination)
    await analyzeTables(to, this.#record.tables)
    await using from = await Session.open(source)
    await fillMaterializedViews(from, to)
  }

  #keep(direction: Direction, follower: Following) {
    this.#status.follow(direction, follower)
    follower.done.catch((error) => {
      if (this.#status.followers.get(direction) !== follower) return
      this.#status.fail(error)
      this.#ended.reject(error)
    })
  }

  #heard(direction: Direction, event: FollowEvent) {
    if (event.type === 'follow_message' && event.prefix === sentinelPrefix) this.#arrived.add(event.content)
    if (event.type === 'follow_skipped') {
      const { lsn, xid, tables } = event
      this.#update({ skipped: rememberSkipped(this.#record.skipped, { lsn, xid, tables }) })
    }
    const before = this.#status.stage
    this.#status.followed(direction, event)
    // Its objects are compared from then on.
    if (before !== 'streaming' && this.#status.stage === 'streaming') this.#lookout?.soon()
    this.services.onFollowEvent?.(event)
  }

  /** From now on, and from nothing earlier, changes of the destination are kept for the source. */
  async #makeBack({ isWayBack }: { isWayBack: boolean }): Promise<{ slot: string; publication: string }> {
    const { source, destination } = this.ends
    const names = linkNames(this.name, 'back')
    this.#update({ back: names })
    const published = allTables(this.#record).map(({ schema, name }) => ({ schema, name }))
    await makeLink({
      move: moveOf(this.#record),
      direction: 'back',
      from: destination,
      to: source,
      names,
      tables: published,
      insertsOnly: [],
      isWayBack,
      signal: this.#stop.signal,
      say: (message) => this.#status.say(message, 'warn'),
    })
    return { slot: names.slot, publication: names.publication }
  }

  #beginSwitchover(options: SwitchoverOptions): FollowAnswer {
    const refused = (message: string): FollowAnswer => ({ ok: false, message })
    const { direction, progress } = this.#record
    if (options.back !== (direction === 'back')) {
      return refused(
        options.back
          ? `it was not switched over: changes flow from ${this.#record.source} to ${this.#record.destination}, where "switchover" without --back leads`
          : `it was switched over already: the application belongs on ${this.#record.destination}, and "switchover --back" returns to ${this.#record.source}`,
      )
    }
    if (progress !== 'following' && progress !== 'done') return refused('rows are still being copied')
    // The objects are compared anew by the switchover itself.
    const reasons = this.#status.blockers([
      ...(options.discard_late_writes ? lateTroubles : []),
      ...(options.accept_differences ? this.#acceptable() : []),
    ])
    if (reasons.length > 0) return refused(`not ready: ${reasons.join('; ')}`)
    this.#switching = this.#switchOver(options).finally(() => {
      this.#switching = undefined
    })
    return { ok: true, message: 'switching over' }
  }

  async #switchOver(options: SwitchoverOptions) {
    const status = this.#status
    const { direction } = this.#record
    const link = this.#link(direction)
    const follower = status.followers.get(direction)
    if (!follower) return
    const started_at = Date.now()
    status.switchover = { state: 'running', options, step: 'check', started_at }
    status.dispatch({ type: 'switchover_began' })
    this.#watch?.forgetSequences()
    let handedOver: SwitchoverReport | undefined
    try {
      await this.#comparison?.background.pause()
      const report = await switchOver({
        background: this.#comparison?.background,
        record: this.#withJoined(),
        link,
        follower,
        options,
        arrived: this.#arrived,
        publication: () => publicationsOf(link.from, link.names),
        ours: this.#oursOn(direction),
        signal: this.#stop.signal,
        onStep: (step, deadline) => {
          status.switchover = {
            ...{ state: 'running', options, step, started_at },
            ...(deadline !== undefined && { deadline }),
          }
          status.say(`switchover: ${stepWords[step]}`)
          status.onChange('now')
        },
        say: (message, level) => status.say(message, level),
        checkObjects: (lockWaitMs) => this.#checkObjects(link, lockWaitMs),
        writtenByOthers: () => this.#writtenByOthers(link),
        release: () => this.#releaseLeft(options),
        reverse: () => this.#makeReverse(direction),
      })
      await this.#handOver(direction, options, report)
      handedOver = report
    } catch (error) {
      const { step } = status.switchover
      const { message } = error as Error
      const failed = { state: 'failed', options, step, started_at, error: { message } } as const
      if (error instanceof HandOverUnknown) {
        status.switchover = failed
        status.fail(error)
        this.#ended.reject(error)
      } else {
        const left = await this.#undoSwitchover(direction, follower, error)
        status.switchover = { ...failed, left }
        status.fail(error)
        status.dispatch({ type: 'switchover_undone' })
      }
    }
    if (handedOver) {
      const report = await this.#behindHandOver(link, options, handedOver)
      status.switchover = { state: 'done', options, step: 'report', started_at, report }
    }
    status.onChange('now')
  }

  /** Whatever happens here, it is handed over. */
  async #behindHandOver(
    link: Link,
    options: SwitchoverOptions,
    report: SwitchoverReport,
  ): Promise<SwitchoverReport> {
    const status = this.#status
    const next = [...report.next]
    try {
      const compared = report.tables.filter(
        (table) => table.equal && (table.before || report.compared === 'checksums'),
      )
      this.#foundEqual(compared)
      await this.#afterSwitchover(link.direction, options, report)
    } catch (error) {
      const words = `it is handed over, but not everything behind that could be done: ${messageOf(error)}. "pgtrek follow" does it again`
      status.say(words, 'error')
      next.push(words)
    }
    const views = await settleMaterializedViews({
      ...{ record: this.#record, link, options, signal: this.#stop.signal },
      onRefresh: (count) => {
        if (status.switchover) status.switchover = { ...status.switchover, step: 'materialized_views' }
        status.say(
          `handed over to ${report.to}; ${formatCount(count, 'materialized view')} to be refreshed before the report`,
        )
        status.onChange('now')
      },
    })
    for (const words of views.materialized_views?.failed ?? []) {
      status.say(`not refreshed: materialized view ${words}`, 'warn')
    }
    return { ...report, ...views, next: [...next, ...views.next] }
  }

  /** Up to here everything can be taken back. */
  async #handOver(direction: Direction, options: SwitchoverOptions, report: SwitchoverReport) {
    const link = this.#link(direction)
    const handedOver = {
      lsn: report.sentinel.confirmed_lsn,
      catalog: this.#status.objects?.catalogs.from,
    }
    await handOver(link, this.#record, handedOver, this.#stop.signal)
    const goesOn = options.keep_reverse || this.#record.bidirectional
    this.#update({
      // Returned, and followed again: as if nothing had happened.
      progress: direction === 'back' && options.keep_reverse ? 'following' : 'done',
      handedOver: { direction, ...handedOver },
      ...{ memberships: undefined, learned: undefined, foreignWrites: undefined },
      ...(goesOn && { direction: direction === 'forward' ? 'back' : 'forward' }),
    })
  }

  async #checkObjects(link: Link, lockWaitMs: number) {
    const publication = await publicationsOf(link.from, link.names)
    const work = {
      ...{ record: this.#record, link, publication, lockWaitMs, signal: this.#stop.signal },
      onLearned: (learned: Learned) => this.#learn(learned),
    }
    const check = await checkObjects(work, this.#status.objects)
    this.#status.knowObjects(check)
    return check
  }

  /** Nothing of it may fail what was proven; what could not be done is said. */
  async #afterSwitchover(direction: Direction, options: SwitchoverOptions, report: SwitchoverReport) {
    const status = this.#status
    await this.#endComparison()
    status.unfollow(direction)
    status.slots.delete(direction)
    const goesOn = this.#record.direction !== direction
    const other = direction === 'forward' ? 'back' : 'forward'
    const isAgain = this.#record.progress === 'following'
    const to = direction === 'forward' ? 'destination' : 'source'
    status.dispatch({ type: 'handed_over', to, again: isAgain })
    await this.#finishHandOver()
    // Returned, they are brought over again while changes flow.
    const sequences = isAgain ? [] : report.sequences
    if (!goesOn) {
      this.#watchLeft({ seconds: options.watch_seconds, sequences })
      return
    }
    this.#watchLeft({ sequences })
    try {
      if (!status.followers.has(other)) await this.#start(other)
    } catch (error) {
      status.fail(error)
      this.#ended.reject(error)
    }
  }

  /** For so long, then it is over; or as long as changes flow back. */
  #watchLeft({ seconds, sequences = [] }: { seconds?: number; sequences?: readonly SequenceState[] } = {}) {
    const { handedOver } = this.#record
    if (!handedOver) return
    const status = this.#status
    const left = this.#link(handedOver.direction)
    const place = describeSettings(left.from)
    const until = seconds === undefined ? {} : { until: Date.now() + seconds * 1000 }
    status.watch = { place, ...until }
    const everyMs = seconds === undefined ? watchEveryMs.later : watchEveryMs.atFirst
    const watched: Watched = {
      from: left.from,
      slot: left.names.slot,
      publication: () => publicationsOf(left.from, left.names),
      after: parseLsn(handedOver.lsn),
      ours: this.#oursOn(handedOver.direction),
      catalog: handedOver.catalog,
      compareObjects: async (signal) => {
        const publication = await publicationsOf(left.from, left.names)
        const work = { record: this.#record, link: left, publication, lockWaitMs: watchLockMs, signal }
        return (await checkObjects(work)).problems
      },
      everyMs: this.services.watchEveryMs ?? everyMs,
      onFound: (found) => {
        const before = status.lateWrites
        status.lateWrites = found
        status.troubles.set('late writes', describeLate(found).join('; '))
        // Each table is said once; the status has the counts as they grow.
        const fresh = {
          ...found,
          transactions: found.tables.length === before?.tables.length ? 0 : found.transactions,
          objects: found.objects.slice(before?.objects.length ?? 0),
        }
        for (const line of describeLate(fresh)) status.say(line, 'error')
        status.onChange('now')
      },
      onTrouble: (trouble) => {
        status.watch = { place, ...until, ...(trouble !== undefined && { trouble }) }
        if (trouble === undefined) status.troubles.delete('watch')
        else {
          status.troubles.set('watch', trouble)
          status.say(trouble, 'warn')
        }
        status.onChange('now')
      },
      onImpossible: (words) => {
        status.watch = undefined
        status.warn(words)
      },
      onSequences: (names) =>
        status.warn(
          `sequences of ${place} have given out numbers after the switchover, somebody is still connected: ${names.join(', ')}`,
        ),
    }
    this.#watch = new LateWatch(watched, sequences)
    if (seconds === undefined) return
    if (seconds > 0) status.say(`${place} is watched for late writes for ${formatDuration(seconds)}`)
    const timer = setTimeout(() => this.#ended.resolve('switched_over'), seconds * 1000)
    void this.done.then(() => clearTimeout(timer))
  }

  /** Whoever stops it early has the last look, too. */
  async #endWatch(status: FollowResult['status']): Promise<FollowResult['status']> {
    const { watch } = this.#status
    await this.#watch?.end()
    const isOver = this.#watch !== undefined && watch?.until !== undefined
    return isOver && status === 'stopped' ? 'switched_over' : status
  }

  /** Before changes flow to the side again that was left: what was written there since stands in their way. */
  async #releaseLeft({ discard_late_writes: isAccepted }: SwitchoverOptions) {
    const watch = this.#watch
    const { handedOver } = this.#record
    if (!watch || !handedOver) return
    await watch.end()
    const reasons = lateTroubles.flatMap((about) => this.#status.troubles.get(about) ?? [])
    if (reasons.length > 0 && !isAccepted) {
      this.#watchLeft()
      throw new PgtrekError(`${reasons.join('; ')}. When that is settled, go on with --discard-late-writes`)
    }
    for (const words of reasons) this.#status.say(`accepted: ${words}`, 'warn')
    await dropLink(this.#link(handedOver.direction), this.#asOwner())
    this.#update({ handedOver: { ...handedOver, isReleased: true } })
    this.#watch = undefined
    this.#forgetLate()
  }

  #forgetLate() {
    this.#status.lateWrites = undefined
    this.#status.watch = undefined
    for (const about of lateTroubles) this.#status.troubles.delete(about)
  }

  /** As what we bring to the side that a direction comes from is known there. */
  #oursOn(direction: Direction): string {
    const { forward, back } = this.#record
    return direction === 'back' ? forward.position : (back ?? linkNames(this.name, 'back')).position
  }

  async #makeReverse(direction: Direction) {
    if (this.#isBothWays) {
      const names = this.#record[direction === 'forward' ? 'back' : 'forward'] as FollowRecord['forward']
      return { slot: names.slot, publication: names.publication }
    }
    if (direction === 'forward') return await this.#makeBack({ isWayBack: true })
    return await this.#makeForwardAgain()
  }

  async #makeForwardAgain() {
    const { source, destination } = this.ends
    const names = linkNames(this.name, 'forward')
    this.#update({ forward: names })
    await makeLink({
      move: moveOf(this.#record),
      ...{ direction: 'forward', from: source, to: destination, names },
      tables: allTables(this.#record).map(({ schema, name }) => ({ schema, name })),
      insertsOnly: [],
      isWayBack: true,
      signal: this.#stop.signal,
      say: (message) => this.#status.say(message, 'warn'),
    })
    return { slot: names.slot, publication: names.publication }
  }

  /** Writable, and followed, as before. Says what is not. */
  async #undoSwitchover(direction: Direction, follower: Following, error: unknown): Promise<string[]> {
    const status = this.#status
    const { said, left } = await makeWritable(this.#link(direction).from, this.name)
    for (const line of said) status.say(line)
    const { handedOver } = this.#record
    if (handedOver && !this.#watch) {
      left.push(
        `${describeSettings(this.#link(handedOver.direction).from)} is not watched for late writes any more`,
      )
    }
    if (!this.#watch) left.push(...(await this.#dropReverse(direction)))
    try {
      if (this.#stop.signal.aborted) {
        // Whoever has stopped it knows that nothing flows.
      } else if (follower.status.phase === 'stopped') await this.#start(direction)
      else this.#comparison?.background.start()
    } catch (failure) {
      left.push(`changes do not flow any more: ${messageOf(failure)}`)
      this.#ended.reject(failure)
    }
    status.say(describeUndone(messageOf(error), left), 'error')
    return left
  }

  /** What a switchover has made for the way back. Says what may be left of it. */
  async #dropReverse(direction: Direction): Promise<string[]> {
    const other = direction === 'forward' ? 'back' : 'forward'
    const link = this.#allLinks().find((one) => one.direction === other)
    if (!link || this.#isBothWays) return []
    const left: string[] = []
    await dropLink(link, this.#asOwner()).catch((failure) => {
      left.push(`${link.names.slot} may still be on ${describeSettings(link.from)}: ${failure.message}`)
      this.#status.warn(left.join())
    })
    if (other === 'forward') return left
    const { back: _, ...rest } = this.#record
    this.#record = rest
    this.#update({})
    return left
  }

  /** Of links that this process has streamed from, or made a moment ago. */
  #asOwner(): Owner {
    return { by: 'move', move: this.#record.move, isStreamed: true }
  }

  /** A switchover that was killed has made the side read-only that changes still come from. */
  async #undoBrokenOff() {
    const { direction } = this.#record
    // Made for a way back that nobody has gone: the next switchover makes its own.
    if (!this.#isLeftWatched) await this.#dropReverse(direction)
    const side = primarySide(this.#record)
    const { said, left } = await makeWritable(this.ends[side], this.name)
    if (said.length > 0) {
      this.#status.warn(
        `a switchover was broken off and has left ${describeSettings(this.ends[side])} read-only: it is made writable again`,
      )
    }
    for (const line of said) this.#status.say(line)
    for (const line of left) this.#status.warn(line)
  }

  /** What is still to do once it has been handed over; again by whoever goes on after a kill. */
  async #finishHandOver() {
    const { handedOver } = this.#record
    if (!handedOver || handedOver.isReleased) return
    const status = this.#status
    // Returning gives back what leaving took.
    const { said, left } = await makeWritable(this.ends[primarySide(this.#record)], this.name)
    for (const line of said) status.say(line)
    for (const line of left) status.warn(line)
    const link = this.#link(handedOver.direction)
    try {
      if (this.#record.direction !== handedOver.direction)
        await settleLink(this.#link(this.#record.direction))
      await leaveLink(link)
    } catch (error) {
      status.warn(
        `not everything that the switchover has left could be put in order, "pgtrek follow" does it again: ${messageOf(error)}`,
      )
    }
  }

  /** As a comparison takes it: tables that joined are no others there. */
  #withJoined(): FollowRecord {
    return { ...this.#record, tables: allTables(this.#record), joined: [] }
  }

  #learn(learned: Learned) {
    const change = withLearned(this.#record, learned)
    if (change) this.#update(change)
  }

  /** What accepting differences passes over: of skipped transactions, and of what others have written. */
  #acceptable(): string[] {
    const { skipped = [], foreignWrites } = this.#record
    const tables = [...skipped.flatMap(({ tables }) => tables), ...(foreignWrites?.tables ?? [])]
    return ['skipped', ...tables.map(troubleOf)]
  }

  /** Nothing is missing in these tables, and nothing is too much. */
  #foundEqual(tables: readonly TableName[]) {
    const { skipped, foreignWrites } = this.#record
    if (tables.some((table) => isSkippedIn(skipped, table))) {
      this.#update({ skipped: forgetSkipped(skipped, tables) })
    }
    if (tables.some((table) => isWrittenByOthers(this.#record, table))) {
      this.#update({ foreignWrites: forgetForeignWrites(foreignWrites, tables) })
    }
  }

  async #lookForOthers(destination: Session) {
    const { direction, bidirectional, native, handedOver } = this.#record
    // Where both sides are in use they may; and what a subscription of the server writes is not known.
    if (direction !== 'forward' || bidirectional || native || handedOver) return
    const { found, there } = await this.#foreign.look(destination, allTables(this.#record))
    const renamed = renamedForeignWrites(this.#record.foreignWrites, there)
    if (renamed) this.#update(renamed)
    if (found.length === 0) return
    const sessions = await nameOthers(destination, this.#record)
    for (const table of found) {
      if (isWrittenByOthers(this.#record, table)) continue
      this.#status.say(
        `table ${showName(table)} of the destination was written to by others than this move`,
        'warn',
      )
    }
    this.#update({ foreignWrites: addForeignWrites(this.#record.foreignWrites, found, sessions) })
    this.#comparison?.background.distrust(found)
  }

  async #writtenByOthers({ to }: Link): Promise<readonly TableName[]> {
    await using destination = await Session.open(to, { signal: this.#stop.signal })
    await this.#lookForOthers(destination)
    return this.#record.foreignWrites?.tables ?? []
  }

  #update(change: Partial<FollowRecord>) {
    this.#record = { ...this.#record, ...change }
    this.services.memory.save(this.#record)
    const { skipped, learned } = change
    if (skipped) {
      this.#mark('transactions were skipped', (session, publication) =>
        markSkipped(session, publication, this.#record.skipped ?? []),
      )
    }
    if (learned) {
      this.#mark('tables joined the move with all of their rows', (session, publication) =>
        markLearned(session, publication, this.#record.learned),
      )
    }
  }

  /** For a process that has another state directory. */
  #mark(what: string, write: (session: Session, publication: string) => Promise<void>) {
    this.#marking = this.#marking.then(async () => {
      try {
        const { from, names } = this.#link(this.#record.direction)
        if (!names.ownPublication) return
        await using session = await Session.open(from)
        await write(session, names.publication)
      } catch (error) {
        this.#status.warn(`only this state directory remembers which ${what}: ${messageOf(error)}`)
      }
    })
  }

  async #heedOthers() {
    const { memory } = this.services
    if (Date.now() - this.#toldAt >= silentAtMostMs) this.#tell()
    for (const { id, action } of memory.asked(this.name)) memory.answer(id, await this.act(action))
  }

  #changed(urgency: 'soon' | 'now') {
    if (urgency === 'now') return this.#tell()
    this.#telling ??= setTimeout(() => this.#tell(), Math.max(0, this.#toldAt + tellEveryMs - Date.now()))
  }

  #tell() {
    clearTimeout(this.#telling)
    this.#telling = undefined
    this.#toldAt = Date.now()
    this.#status.observe(this.#toldAt)
    const view = this.view()
    if (this.#isOwn) this.services.memory.publish(view)
    this.services.onView?.(view)
  }
}

/** What the side that was left says against going back. */
const lateTroubles = ['late writes', 'watch'] as const
/** How long comparing its objects waits for a table that somebody has locked. */
const watchLockMs = 5000

/** Whoever decides about a conflict says which one was seen; there may be another one by now. */
function isMeant({ status }: Following, { lsn }: { lsn?: string | undefined }): boolean {
  return lsn === undefined || status.conflict?.lsn === lsn
}

const stepWords = {
  check: 'checking',
  read_only: 'the side that is left',
  sentinel: 'the sentinel is on its way',
  quiet: 'nobody writes any more?',
  sequences: 'sequences',
  large_objects: 'large objects',
  compare: 'comparing both sides',
  reverse: 'the way back',
  report: 'done',
  materialized_views: 'materialized views',
} as const

async function publicationsOf(from: Link['from'], names: Link['names']): Promise<string[]> {
  if (!names.ownPublication) return [names.publication]
  await using session = await Session.open(from)
  const inserts = insertsPublication(names)
  return (await readPublication(session, inserts)) ? [names.publication, inserts] : [names.publication]
}

function isInCopy({ progress }: FollowRecord): boolean {
  return progress === 'preparing' || progress === 'copying'
}

/** Switched over, or returned, and no changes flow any more. */
export class MoveOver extends UsageError {}

/** Throws when there is nothing left to go on with. */
export function refuseOver(record: FollowRecord) {
  if (isAtItsEnd(record)) throw new MoveOver(wasSwitchedOver(record))
}
