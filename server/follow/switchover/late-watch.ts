// Watches the old primary for late writes, which the new primary does not have. Its slot is kept until cleanup, and is not
// advanced while it contains late writes.

import { enoughChanges, type LateWritesView } from '../../../shared/late-writes.ts'
import { say } from '../../../shared/say.ts'
import { showName, tableKey } from '../../../shared/table-name.ts'
import { errorInfo, PgtrekError } from '../../postgres/errors.ts'
import { Session } from '../../postgres/session.ts'
import { type ConnectionSettings, describeSettings } from '../../postgres/settings.ts'
import { readPosition } from '../../replication/apply/position.ts'
import type { Lsn } from '../../replication/stream/lsn.ts'
import type { Publications } from '../../replication/stream/publication.ts'
import { catalogFingerprint } from '../moved-objects.ts'
import { passLateWrites } from './late-writes.ts'
import { messagesSince, writeSentinel } from './sentinel.ts'
import { type SequenceState, sequencesBeyond } from './sequences.ts'

export interface Watched {
  /** The old primary. */
  from: ConnectionSettings
  slot: string
  publication: () => Promise<Publications>
  after: Lsn
  /** The position, on the old primary, of changes that flow back. */
  ours: string
  /** The fingerprint of its catalogs at the switchover, if known. */
  catalog: string | undefined
  /** Returns differences of the objects, a sentence each. */
  compareObjects: (signal: AbortSignal) => Promise<string[]>
  everyMs: number
  onSequences: (names: string[]) => void
  onFound: (found: LateWritesView) => void
  /** Why a check failed; undefined when one has succeeded again. */
  onTrouble: (words: string | undefined) => void
  /** No later check can succeed. */
  onImpossible: (words: string) => void
}

export class LateWatch {
  #found: LateWritesView
  #session: Session | undefined
  #catalog: string | undefined
  #next: ReturnType<typeof setTimeout> | undefined
  #checking: Promise<void> = Promise.resolve()
  #isOver = false
  readonly #abandoned = new AbortController()
  #failure: string | undefined
  #sequences: readonly SequenceState[]

  /** `sequences` as the new primary has them; none when they are copied while changes flow. */
  constructor(
    readonly watched: Watched,
    sequences: readonly SequenceState[],
  ) {
    this.#sequences = sequences
    this.#catalog = watched.catalog
    const place = describeSettings(watched.from)
    this.#found = { place, transactions: 0, changes: 0, tables: [], objects: [] }
    this.#in(0)
  }

  get isLate(): boolean {
    return this.#found.transactions > 0 || this.#found.objects.length > 0
  }

  /** Why it is unknown whether there are late writes. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** From now on the move sets them itself. */
  forgetSequences() {
    this.#sequences = []
  }

  /** Checks a last time, including everything that is committed now. Never throws: see `failure`. */
  async end(): Promise<void> {
    this.#stop()
    await this.#checking
    await this.#check({ isLast: true })
    await this.#session?.close().catch(() => {})
    this.#session = undefined
  }

  /** Without a last check. */
  async abandon(): Promise<void> {
    this.#stop()
    this.#abandoned.abort()
    this.#session?.destroy()
    await this.#checking
  }

  #stop() {
    this.#isOver = true
    clearTimeout(this.#next)
  }

  #in(milliseconds: number) {
    this.#next = setTimeout(() => {
      this.#checking = this.#check({ isLast: false }).then(() => {
        if (!this.#isOver) this.#in(this.watched.everyMs)
      })
    }, milliseconds)
  }

  async #check({ isLast }: { isLast: boolean }) {
    const { place } = this.#found
    let what = say`${place} was written to`
    try {
      this.#session ??= await Session.open(this.watched.from, { signal: this.#abandoned.signal })
      const session = this.#session
      // A synchronous commit flushes earlier asynchronous commits to the log that can be read.
      if (isLast) await writeSentinel(session)
      await this.#checkRows(session, isLast)
      what = say`objects of ${place} were changed`
      await this.#checkObjects(session)
      await this.#checkSequences(session)
      this.#report(undefined)
    } catch (error) {
      this.#session?.destroy()
      this.#session = undefined
      if (this.#isOver && !isLast) return
      const words = say`cannot determine whether ${what} after the switchover: ${errorInfo(error).message}`
      if (!(error instanceof Indistinct)) return this.#report(words)
      this.#stop()
      this.watched.onImpossible(words)
    }
  }

  #report(failure: string | undefined) {
    if (failure === this.#failure) return
    this.#failure = failure
    this.watched.onTrouble(failure)
  }

  async #checkRows(session: Session, isLast: boolean) {
    const { slot, publication, after, ours } = this.watched
    // Counting more changes again and again would be too slow.
    if (this.#found.changes >= enoughChanges) return
    await refuseIndistinct(session, ours)
    const question = { slot, publication: await publication(), after, ours }
    const late = await passLateWrites(session, question, () => isLast || !this.#isOver)
    if (!late || this.#found.changes === late.changes) return
    this.#found = { ...this.#found, ...late }
    this.watched.onFound(this.#found)
  }

  /** Compares with the catalogs at the switchover, because those of the new primary may have changed since. */
  async #checkObjects(session: Session) {
    const catalog = await catalogFingerprint(session)
    const isChanged = this.#catalog !== undefined && this.#catalog !== catalog
    const objects = isChanged ? await this.watched.compareObjects(this.#abandoned.signal) : []
    this.#catalog = catalog
    const all = [...new Set([...this.#found.objects, ...objects])]
    if (all.length === this.#found.objects.length) return
    this.#found = { ...this.#found, objects: all }
    this.watched.onFound(this.#found)
  }

  /** An advanced sequence is no late write, but shows that a client is still connected. */
  async #checkSequences(session: Session) {
    const beyond = await sequencesBeyond(session, this.#sequences)
    if (beyond.length === 0) return
    const reported = new Set(beyond.map(tableKey))
    this.#sequences = this.#sequences.filter((one) => !reported.has(tableKey(one)))
    this.watched.onSequences(beyond.map(showName))
  }
}

export class Indistinct extends PgtrekError {}

/** Throws when changes that flow back cannot be distinguished from late writes. */
export async function refuseIndistinct(session: Session, ours: string): Promise<void> {
  if (session.major >= messagesSince) return
  const position = await readPosition(session, ours)
  if (position?.kind !== 'table') return
  throw new Indistinct(
    say`below PostgreSQL ${messagesSince}, changes that flow back without a replication origin cannot be distinguished from those of others (our role may not use origins there)`,
  )
}
