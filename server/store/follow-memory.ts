// What must be stored for a move beyond the end of its process, and how other processes take part in it.
// Implementations are passed in, so that following does not depend on where they store it.

import type { Direction } from '../../shared/follow.ts'
import type { FollowAction, FollowAnswer } from '../../shared/follow-action.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import type { ForeignWrites } from '../../shared/foreign-writes.ts'
import type { MigrationOptions, Selection } from '../../shared/request.ts'
import type { SkippedTransaction } from '../../shared/skipped.ts'
import type { StorageFailure } from '../../shared/storage-failure.ts'
import type { TableName } from '../../shared/table-name.ts'
import type { SequenceName } from '../catalog/sequences.ts'
import { UsageError } from '../postgres/errors.ts'
import type { Memberships } from '../replication/tables/membership.ts'

/** The names of the objects that following in one direction has created on both servers. */
export interface LinkNames {
  slot: string
  publication: string
  /** False: it existed before, and must not be dropped. */
  ownPublication: boolean
  position: string
}

/** The OIDs of a table on both sides. They stay the same after a rename. */
export interface TableOids {
  source?: number
  destination?: number
}

export interface LeftOut extends TableName, TableOids {
  isPartition?: boolean
  /** Derived later from the tables that are not published: it may have been followed before. */
  isGuess?: true
}

export interface FollowRecord {
  name: string
  /**
   * Identifies this move: objects that it creates on the servers are marked with it. Undefined for a move of an older
   * version.
   */
  move?: string
  /**
   * The start position of the slot, as long as nothing has been read from it. It distinguishes the slot from others
   * of its name.
   */
  unread?: string
  /** For display, without passwords. */
  source: string
  destination: string
  startedAt: number
  /** A restart in `copying` starts over, because the snapshot ends with the process. */
  progress: 'preparing' | 'copying' | 'following' | 'done'
  /** The direction in which changes are applied at present. */
  direction: Direction
  bidirectional: boolean
  /** A subscription of the server applies the changes. */
  native?: boolean
  forward: LinkNames
  back?: LinkNames
  /** Named as in changes, with their row filters. */
  tables: (TableName & TableOids & { where?: string })[]
  /** Tables that were added later: new partitions, and tables that a user accepted at a conflict. */
  joined?: (TableName & TableOids)[]
  /** Those of the present source. Undefined when they were never read. */
  memberships?: Memberships | undefined
  /** Those that cannot be derived from the age of the publication. Its comment contains them. */
  learned?: Memberships | undefined
  sequences: Pick<SequenceName, 'schema' | 'name'>[]
  /** The destination has rows of its own, so its sequences are only advanced. */
  advanceSequences: boolean
  /** Tables that may be published, but are not followed: published by other publications, or copied once. */
  leftOut: LeftOut[]
  failedTables: (TableName & { error: string })[]
  /** Transactions that a user has skipped, without the tables that were found equal, or copied again, since. */
  skipped?: SkippedTransaction[]
  /** Tables of the destination that were written to by others. */
  foreignWrites?: ForeignWrites | undefined
  /** Other objects that could not be created on the destination, in words. */
  failedObjects?: string
  /** The user's choices at the start of the move. Undefined when they are not known here. */
  moved?: {
    selection: Selection
    skippedExtensions: readonly string[]
    /** Undefined for a move of an older version. */
    options?: MigrationOptions
  }
  /** Relations that the destination had before the move, and keeps. */
  kept?: TableName[]
  /** Large objects are part of the move. */
  largeObjects: boolean
  /**
   * The large objects that the destination had before the move, and keeps. Undefined when they are not known: then
   * none is removed.
   */
  ownLargeObjects?: number[]
  /** The direction that the last switchover has ended. */
  handedOver?: HandedOver & {
    direction: Direction
    /** Its slot was checked for late writes a last time, and is dropped. */
    isReleased?: true
  }
}

/** The mark of the objects that the move creates on the servers. */
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
  /** Set while writes do not reach the disk. */
  readonly failure: StorageFailure | undefined
  load(name: string): FollowRecord | undefined
  /**
   * Durable when it returns, if the disk can be written. If not, the move continues: what a later process needs is
   * also on the servers.
   */
  save(record: FollowRecord): void
  forget(name: string): void
  /** Records that this process works on the move. Throws `MoveTaken` when another does. */
  take(name: string): void
  /** The view that other processes read, until the next one. */
  publish(view: FollowView): void
  lastView(name: string): FollowView | undefined
  /** The requests of other processes since the last call. */
  asked(name: string): Ask[]
  answer(id: number, answer: FollowAnswer): void
  /** Records that this process does not work on the move any more. */
  release(name: string): void
}

/** Everything that was committed here before this position is applied on the other server. */
export interface HandedOver {
  lsn: string
  /** The version of the catalogs at that time. */
  catalog?: string | undefined
}
