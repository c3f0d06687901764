// Opens both ends of a stream of changes: the session on the destination, which holds the position, and the walsender
// of the source, which starts from there.
import { say } from '../../../shared/say.ts'
import { readTypes } from '../../catalog/types.ts'
import { endPredecessor, identify, type Sessions } from '../../coordination/sessions.ts'
import { isBinarySafe } from '../../copy/format.ts'
import { ConnectionLost } from '../../postgres/errors.ts'
import { refusePooled } from '../../postgres/pooler.ts'
import type { Session } from '../../postgres/session.ts'
import { Session as PostgresSession } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { type Publications, publicationList, readComputed } from '../stream/publication.ts'
import { checkSlot } from '../stream/slot.ts'
import { ChangeStream, mayBeBinary } from '../stream/stream.ts'
import {
  type DestinationTable,
  firesForReplica,
  readDestinationTables,
  readFiringRules,
} from '../tables/destination-tables.ts'
import { type Followed, type LeftOutTable, readFollowed, type WantedTable } from '../tables/followed.ts'
import { Applier } from './applier.ts'
import { prepareApplySession, useOwnSearchPath } from './apply-session.ts'
import { readCascades } from './cascades.ts'
import { refuseUnseenEchoes } from './echo.ts'
import type { OwnWrites } from './own-writes.ts'
import { helpWithPosition, holdPosition, type Position } from './position.ts'
import type { Touched } from './touched.ts'

export interface StreamEnds {
  source: ConnectionSettings
  destination: ConnectionSettings
  slot: string
  publication: Publications
  positionName: string
  tables?: readonly WantedTable[] | undefined
  /** Tables that may be published, but were excluded. */
  leftOut?: readonly LeftOutTable[] | undefined
  origin?: 'any' | 'none' | undefined
  /** Notes which rows are changed. */
  touched?: Touched | undefined
  /** Counts how many rows are written. */
  written?: OwnWrites | undefined
}

export interface Connected extends AsyncDisposable {
  stream: ChangeStream
  applier: Applier
  position: Position
  tables: Map<string, DestinationTable>
  /** Undefined when everything that is published is wanted. */
  followed: Followed | undefined
  /** Columns that the source computes and sends, by the OID of their table. */
  computed: Map<number, Set<string>>
  binary: boolean
  replicaRole: boolean
  sessions: Sessions
  isBinarySafe: (type: number) => boolean
  /** Opens a second session that applies changes. Undefined where that is not safe. */
  openHelper: (() => Promise<Applier>) | undefined
}

export interface ConnectOptions {
  careful: boolean
  /** All values have to be sent as text. */
  asText: boolean
  /** Relations of the source that a user accepted at a conflict, by OID. */
  accepted?: ReadonlySet<number> | undefined
  signal: AbortSignal
  /** How long a server may be silent. */
  silenceMs: number
  /** The sessions of the previous attempt, which may not have ended yet. */
  before?: Sessions | undefined
  onAnswer: () => void
}

/** Shorter than `deadlock_timeout`, so that the helper gives up, and not the session that it helps. */
const impatience = "set lock_timeout = '300ms'"

export async function connect(ends: StreamEnds, options: ConnectOptions): Promise<Connected> {
  const { signal, careful } = options
  const stop = new AbortController()
  const opened: Session[] = []
  const open = async (settings: ConnectionSettings, replication: boolean) => {
    const session = await PostgresSession.open(settings, { signal: stop.signal, replication })
    opened.push(session)
    refusePooled(session)
    return session
  }
  let isLate = false
  const abandon = () => {
    stop.abort()
    for (const session of opened) session.destroy()
  }
  const late = setTimeout(() => {
    isLate = true
    abandon()
  }, options.silenceMs)
  signal.addEventListener('abort', abandon)
  try {
    const destination = await open(ends.destination, false)
    await endPredecessor(destination, options.before?.destination)
    for (const helper of options.before?.helpers ?? []) await endPredecessor(destination, helper)
    const { replicaRole } = await prepareApplySession(destination)
    const position = await holdPosition(destination, ends.positionName, stop.signal)
    const source = await open(ends.source, true)
    await endPredecessor(source, options.before?.source)
    const sessions: Sessions = {
      source: await identify(source),
      destination: await identify(destination),
      helpers: [],
    }
    await checkSlot(source, ends.slot, position.lsn)
    if (ends.origin === 'none') await refuseUnseenEchoes(source)
    const { publication, leftOut = [] } = ends
    const { accepted = new Set() } = options
    const wanted = ends.tables && { publication, tables: ends.tables, leftOut, accepted }
    const followed = wanted && (await readFollowed(source, destination, wanted))
    const tables = await readDestinationTables(destination, followed && [...followed.pairs.values()])
    await readFiringRules(destination, tables, replicaRole)
    const cascades = replicaRole ? undefined : await readCascades(destination, source.major)
    const computed = await readComputed(source, publication)
    const types = await readTypes(source)
    const isSafe = (type: number) => isBinarySafe(type, types)
    const binary =
      !careful &&
      !options.asText &&
      mayBeBinary(Math.min(source.major, destination.major)) &&
      (await publishedTypes(source, publication, followed?.pairs)).every(isSafe)
    const stream = await ChangeStream.start(source, {
      slot: ends.slot,
      publication,
      from: position.lsn,
      binary,
      origin: ends.origin ?? 'any',
    })
    const mayHold = replicaRole && !(await firesForReplica(destination))
    await useOwnSearchPath(destination)
    const { written } = ends
    const applyOptions = { position, binary, careful, mayHold, cascades, written }
    const applier = new Applier({
      ...applyOptions,
      touched: ends.touched,
      session: destination,
      onCommitted: options.onAnswer,
    })
    const openHelper = async () => {
      const session = await PostgresSession.open(ends.destination, { signal })
      try {
        // Recorded before it holds any lock, because it may have to be ended.
        sessions.helpers.push(await identify(session))
        await prepareApplySession(session)
        await session.execute(impatience)
        await helpWithPosition(session, position)
        await useOwnSearchPath(session)
      } catch (error) {
        session.destroy()
        throw error
      }
      return new Applier({ ...applyOptions, touched: ends.touched?.stage(), session, onCommitted: () => {} })
    }
    return {
      ...{
        stream,
        applier,
        position,
        tables,
        followed,
        computed,
        sessions,
        binary,
        replicaRole,
        isBinarySafe: isSafe,
        // Where the destination is in use, rows must not stay locked while the source is still sending.
        openHelper: careful || ends.origin === 'none' ? undefined : openHelper,
      },
      async [Symbol.asyncDispose]() {
        signal.removeEventListener('abort', abandon)
        applier[Symbol.dispose]()
        await stream[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    signal.removeEventListener('abort', abandon)
    abandon()
    if (!isLate) throw error
    const seconds = Math.round(options.silenceMs / 1000)
    throw new ConnectionLost(say`a server did not send the state of its objects within ${seconds} s`, {
      cause: error,
    })
  } finally {
    clearTimeout(late)
  }
}

/** The types of all columns that can be in the stream. */
async function publishedTypes(
  source: Session,
  publication: Publications,
  wanted: Followed['pairs'] | undefined,
): Promise<number[]> {
  const rows = await source.query<{ oid: number; type: number }>(`
    select distinct c.oid, a.atttypid as type
      from pg_catalog.pg_publication_tables p
      join pg_catalog.pg_namespace n on n.nspname = p.schemaname
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where p.pubname in ${publicationList(publication)}`)
  return [...new Set(rows.filter((row) => wanted?.has(row.oid) ?? true).map(({ type }) => type))]
}
