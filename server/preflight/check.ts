// The shape that every check has. A check looks, says what it found, and changes nothing.
import type { CheckStatus } from '../../shared/preflight.ts'
import type { MigrationOptions } from '../../shared/request.ts'
import type { DestinationFacts } from '../catalog/destination.ts'
import type { ServerFacts } from '../catalog/server.ts'
import type { Session } from '../postgres/session.ts'

export interface Check {
  id: string
  title: string
  why: string
  /** Only where changes are to be followed. */
  followOnly?: true
  look(sight: Sight): Promise<Finding> | Finding
}

/** What all checks see. */
export interface Sight {
  source: Session
  destination: Session
  facts: { source: ServerFacts; destination: ServerFacts }
  lacks: DestinationFacts
  follow: boolean
  options: MigrationOptions
  /** A transaction that has run for so many seconds is a long one. */
  longTransaction: number
}

export interface Finding {
  status: CheckStatus
  found: string
  todo?: string
  sql?: string[]
  objects?: string[]
}

export const fine = (found: string): Finding => ({ status: 'ok', found })

/** Nothing named, nothing wrong. */
export function unless(objects: readonly string[], silent: string, finding: Finding): Finding {
  return objects.length === 0 ? fine(silent) : { ...finding, objects: [...objects] }
}

export async function namesOf(session: Session, sql: string): Promise<string[]> {
  return (await session.query<{ name: string }>(sql)).map(({ name }) => name)
}

/** What belongs to the user: for a query that knows `pg_namespace` as n. */
export const isUsers = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

/** Made by CREATE EXTENSION, and so by the destination itself. */
export function isExtensions(catalog: string, oid: string): string {
  return `exists (select from pg_catalog.pg_depend e
                   where e.classid = 'pg_catalog.${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`
}

/** `schema.table`, quoted as SQL wants it. */
export const qualifiedName = "pg_catalog.format('%I.%I', n.nspname, c.relname)"
