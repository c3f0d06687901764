// The shape that every check has. A check looks, says what it found, and changes nothing.
import type { CheckStatus, PreflightItem } from '../../shared/preflight.ts'
import type { MigrationOptions, TableRule } from '../../shared/request.ts'
import type { DestinationFacts } from '../catalog/destination.ts'
import type { ServerFacts } from '../catalog/server.ts'
import type { Session } from '../postgres/session.ts'
import type { PublishedTable } from '../replication/stream/publication.ts'
import type { Managed } from '../roles/recognise.ts'
import { type Fix, written } from './fix.ts'
import type { Scope } from './scope.ts'

interface Kind {
  id: string
  title: string
  why: string
  /** Only where changes are to be followed. */
  followOnly?: true
  /** It measures time, which others would disturb: it is looked at before them, alone. */
  isMeasured?: true
  /** Not before a run: it takes time, or is of use only while there still is some. */
  doctorOnly?: true
  /** What the plan says itself as a warning, and better: before a run only a blocker is news. */
  planned?: true
}

/** One that can print statements says so, and then a test has to paste and run each (test/preflight/pasted.test.ts). */
export type Check = Kind &
  (
    | { mends: true; look(context: CheckContext): Promise<Finding> | Finding }
    | { mends?: never; look(context: CheckContext): Promise<Remark> | Remark }
  )

/** What all checks see. */
export interface CheckContext {
  source: Session
  destination: Session
  facts: { source: ServerFacts; destination: ServerFacts }
  /** Where a provider runs the server and we are no superuser: nobody is who could do a superuser's work. */
  managed: { source?: Managed | undefined; destination?: Managed | undefined }
  lacks: DestinationFacts
  scope: Scope
  follow: boolean
  /** What following would publish, where a plan knows it; otherwise all tables of the scope. */
  published?: readonly PublishedTable[] | undefined
  /** Patterns of tables of which only inserts are followed. */
  insertsOnly: readonly string[]
  bidirectional: boolean
  /** One that is there already: nothing has to be published. */
  publication?: string | undefined
  options: MigrationOptions
  rules: readonly TableRule[]
  /** A transaction that has run for so many seconds is a long one. */
  longTransaction: number
  /** A value that takes so many bytes where it is stored is a large one. */
  largeValue: number
}

/** What is found where no statement mends it. */
export interface Remark {
  status: CheckStatus
  found: string
  todo?: string
  objects?: string[]
  sql?: never
}

export interface Finding extends Omit<Remark, 'sql'> {
  sql?: Fix[]
}

export const fine = (found: string): Remark => ({ status: 'ok', found })

/** Nothing named, nothing wrong. */
export function unless<Found extends Finding | Remark>(
  objects: readonly string[],
  silent: string,
  finding: Found,
): Found | Remark {
  return objects.length === 0 ? fine(silent) : { ...finding, objects: [...objects] }
}

export async function namesOf(session: Session, sql: string): Promise<string[]> {
  return (await session.query<{ name: string }>(sql)).map(({ name }) => name)
}

/** Rows that say with `of` which relation of the source they are about: those of relations that are moved. */
export async function foundIn<Row extends object>(
  { source, scope }: CheckContext,
  sql: string,
): Promise<Row[]> {
  const rows = await source.query<Row & { of: number }>(sql)
  return scope.isEverything ? rows : rows.filter(({ of }) => scope.has(of))
}

export async function namesFound(context: CheckContext, sql: string): Promise<string[]> {
  return (await foundIn<{ name: string }>(context, sql)).map(({ name }) => name)
}

export function itemOf(
  { id, title, why }: Pick<Check, 'id' | 'title' | 'why'>,
  finding: Finding,
): PreflightItem {
  const { status, found, todo, sql = [], objects = [] } = finding
  return {
    ...{ id, title, status, found, why },
    objects: objects.slice(0, mostObjects),
    total: objects.length,
    todo: todo ?? null,
    sql: written(sql.slice(0, mostObjects)),
  }
}

const mostObjects = 100
