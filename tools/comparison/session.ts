// A session that shows equal values as equal text, whatever settings the database or the role has.
import type { Sql } from 'postgres'
import type { TestDatabase } from '../servers/clusters.ts'

export type Session = Sql

/** The object's name, and a description of it. */
export type Facts = Map<string, string>

const settings = {
  search_path: 'pg_catalog',
  extra_float_digits: '3',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmlbinary: 'base64',
  quote_all_identifiers: 'off',
}

export async function inSession<T>(
  database: TestDatabase,
  read: (session: Session) => Promise<T>,
): Promise<T> {
  const session = database.connect({ settings })
  try {
    return await read(session)
  } finally {
    await session.end()
  }
}
