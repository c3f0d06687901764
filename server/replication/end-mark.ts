// A position in the source's log that lies behind everything committed so far, and that will be sent.
import type { Session } from '../postgres/session.ts'
import { type Lsn, parseLsn } from './stream/lsn.ts'

/**
 * For `stopAt`. Changes are sent only when they are on disk, which a commit waits for only when its transaction
 * has written something: a message that nobody reads.
 */
export async function markEnd(session: Session): Promise<Lsn> {
  await session.execute(`
    begin read write;
    set local synchronous_commit = on;
    select pg_catalog.pg_logical_emit_message(true, 'pgtrek_end', '');
    commit`)
  const { lsn } = await session.one<{ lsn: string }>(
    'select pg_catalog.pg_current_wal_flush_lsn()::text as lsn',
  )
  return parseLsn(lsn)
}
