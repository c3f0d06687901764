// SQL that a server writes about its objects, for another server: what is a name here may be a keyword there.
import type { Session } from '../postgres/session.ts'

/** Within it the server quotes every name that it writes. */
export async function inQuotes<Result>(session: Session, read: () => Promise<Result>): Promise<Result> {
  await session.execute('set quote_all_identifiers = on')
  const result = await read()
  await session.execute('set quote_all_identifiers = off')
  return result
}
