// What all checks have in common. A check reads, reports what it found, and changes nothing.
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
  /** The check runs only when changes are to be followed. */
  followOnly?: true
  /** The check measures time, which other checks would disturb: it runs alone, before them. */
  isMeasured?: true
  /** The check is not part of the preflight of a run: it takes long, or helps only while there is time to act. */
  doctorOnly?: true
  /** The plan has a better warning for this: before a run only a blocker is reported. */
  planned?: true
}

/** A check that prints statements is `fixable`, and a test has to run each of them (test/preflight/pasted.test.ts). */
export type Check = Kind &
  (
    | { fixable: true; look(context: CheckContext): Promise<Finding> | Finding }
    | { fixable?: never; look(context: CheckContext): Promise<Remark> | Remark }
  )

export interface CheckContext {
  source: Session
  destination: Session
  facts: { source: ServerFacts; destination: ServerFacts }
  /** Set if a provider runs the server and our role is not a superuser: then no user of that server is one. */
  managed: { source?: Managed | undefined; destination?: Managed | undefined }
  lacks: DestinationFacts
  scope: Scope
  follow: boolean
  /** The tables that following would publish, if a plan knows them; otherwise all tables of the scope. */
  published?: readonly PublishedTable[] | undefined
  /** Patterns of tables of which only inserts are followed. */
  insertsOnly: readonly string[]
  bidirectional: boolean
  /** An existing publication to use; no other one is created. */
  publication?: string | undefined
  options: MigrationOptions
  rules: readonly TableRule[]
  /** Seconds after which a transaction counts as long. */
  longTransaction: number
  /** Stored bytes from which on a value counts as large. */
  largeValue: number
}

/** A finding that no statement can fix. */
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

export const passed = (found: string): Remark => ({ status: 'ok', found })

/** Without objects the check has passed. */
export function findingFor<Found extends Finding | Remark>(
  objects: readonly string[],
  foundNothing: string,
  finding: Found,
): Found | Remark {
  return objects.length === 0 ? passed(foundNothing) : { ...finding, objects: [...objects] }
}

export async function namesOf(session: Session, sql: string): Promise<string[]> {
  return (await session.query<{ name: string }>(sql)).map(({ name }) => name)
}

/** Runs a query on the source whose rows have their relation in `of`, and returns the rows of migrated relations. */
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
