// Reads SQL that a server generates for another server: a plain name on one may be a keyword on the other.
import type { Session } from '../postgres/session.ts'

/** Within `read` the server quotes every name in SQL that it generates. */
export async function inQuotes<Result>(session: Session, read: () => Promise<Result>): Promise<Result> {
  await session.execute('set quote_all_identifiers = on')
  const result = await read()
  await session.execute('set quote_all_identifiers = off')
  return result
}
