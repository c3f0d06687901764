// What following must not forget when its process ends, and how other processes take part in it. Who keeps it
// is not the engine's business.
import type { Direction, FollowAction, FollowAnswer, FollowView } from '../../shared/follow-view.ts'
import type { ForeignWrites } from '../../shared/foreign-writes.ts'
import type { MigrationOptions, Selection } from '../../shared/request.ts'
import type { SkippedTransaction } from '../../shared/skipped.ts'
import type { StorageFailure } from '../../shared/storage-failure.ts'
import type { TableName } from '../../shared/table-name.ts'
import type { SequenceName } from '../catalog/sequences.ts'
import { UsageError } from '../postgres/errors.ts'
import type { Memberships } from '../replication/tables/membership.ts'

/** The names of what one way of following has made on both sides. */
export interface LinkNames {
  slot: string
  publication: string
  /** False: it was there before, and is not ours to drop. */
  ownPublication: boolean
  position: string
}

/** OIDs of a table on both sides: its names may change. */
export interface TableOids {
  source?: number
  destination?: number
}

export interface LeftOut extends TableName, TableOids {
  isPartition?: boolean
  /** Found out later, from what is not published: perhaps it was followed once. */
  isGuess?: true
}

export interface FollowRecord {
  name: string
  /** Of this move alone: what it makes on the servers is marked with it. A move of an older version has none. */
  move?: string
  /** Where the slot began, as long as nothing has been read from it: no other slot of its name is there. */
  unread?: string
  /** Without passwords, as people read them. */
  source: string
  destination: string
  startedAt: number
  /** `copying` is not survived: the snapshot goes with the process. */
  progress: 'preparing' | 'copying' | 'following' | 'done'
  /** Which way changes flow at present. */
  direction: Direction
  bidirectional: boolean
  /** The server's own subscription does the work. */
  native?: boolean
  forward: LinkNames
  back?: LinkNames
  /** As changes name them; with the condition for their rows where there is one. */
  tables: (TableName & TableOids & { where?: string })[]
  /** Followed since: new partitions, and tables that a user accepted at a conflict. */
  joined?: (TableName & TableOids)[]
  /** Of the side that changes come from; nothing when nobody has looked yet. */
  memberships?: Memberships | undefined
  /** Those of them that the age of the publication does not tell: its comment does. */
  learned?: Memberships | undefined
  sequences: Pick<SequenceName, 'schema' | 'name'>[]
  /** The destination has rows of its own: its sequences never go back. */
  advanceSequences: boolean
  /** Published perhaps, known, and not wanted: by somebody else's publication, or copied once. */
  leftOut: LeftOut[]
  failedTables: (TableName & { error: string })[]
  /** Left out by the user; without the tables that were found equal, or copied again, since. */
  skipped?: SkippedTransaction[]
  /** Tables of the destination that others have written to. */
  foreignWrites?: ForeignWrites | undefined
  /** Other objects that could not be made on the destination, in words. */
  failedObjects?: string
  /** What the user chose when the move began; nothing when that is not known here any more. */
  moved?: {
    selection: Selection
    skippedExtensions: readonly string[]
    /** A move of an older version has none. */
    options?: MigrationOptions
  }
  /** Relations that the destination had before, and keeps. */
  kept?: TableName[]
  /** Large objects are part of what is moved. */
  largeObjects: boolean
  /** Those that the destination had before, and keeps; nothing when nobody knows: then none is removed. */
  ownLargeObjects?: number[]
  /** The direction that the last switchover has ended. */
  handedOver?: HandedOver & {
    direction: Direction
    /** Its slot was looked at a last time, and is gone. */
    isReleased?: true
  }
}

/** As what it makes on the servers is marked. */
export function moveOf({ name, move }: Pick<FollowRecord, 'name' | 'move'>): string {
  return move ?? name
}

export interface Ask {
  id: number
  action: FollowAction
}

/** Another process works on the move. */
export class MoveTaken extends UsageError {}

export interface FollowMemory {
  /** While what is written here is not on the disk. */
  readonly failure: StorageFailure | undefined
  load(name: string): FollowRecord | undefined
  /**
   * Durable before it returns where the disk takes it. The move continues where it does not: what a later process must
   * know is on the servers, and it asks them.
   */
  save(record: FollowRecord): void
  forget(name: string): void
  /** Says that this process works on it now; throws `MoveTaken` when another does. */
  take(name: string): void
  /** What others see, until the next one. */
  publish(view: FollowView): void
  lastView(name: string): FollowView | undefined
  /** What others have asked since the last call. */
  asked(name: string): Ask[]
  answer(id: number, answer: FollowAnswer): void
  /** This process works on it no longer. */
  release(name: string): void
}

/** Everything that was committed here before this position is on the other side. */
export interface HandedOver {
  lsn: string
  /** What the catalogs were like then. */
  catalog?: string | undefined
}
