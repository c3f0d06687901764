// Settings that decide how well a stream of changes flows, besides those without which it cannot.
import { formatBytes } from '../../shared/format.ts'
import type { Session } from '../postgres/session.ts'
import { type Check, type Finding, fine } from './check.ts'
import { changeSettings } from './settings.ts'

const retention: Check = {
  id: 'wal-retention',
  title: 'How long changes are kept',
  why: 'While the copy runs the source keeps all changes for us: too little room ends the slot, no limit can fill its disk.',
  mends: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const limit = await settingOf(context.source, 'max_slot_wal_keep_size')
    if (limit === null) return fine('without limit (PostgreSQL 12): watch the disk of the source')
    if (limit === '-1') {
      return { status: 'ok', found: 'without limit', todo: "Watch the source's disk while the copy runs." }
    }
    const { sql, words } = await changeSettings(context, 'source', { max_slot_wal_keep_size: '-1' })
    return {
      status: 'warning',
      found: `max_slot_wal_keep_size is ${limit} on the source: when more than that was written before we read it, all begins anew`,
      todo: `Raise it to what is written during the copy, as far as the disk allows; without limit (-1) the disk of the source can fill: watch it.${words}`,
      sql,
    }
  },
}

const shortestTimeoutMs = 10_000

const senderTimeout: Check = {
  id: 'wal-sender-timeout',
  title: 'Patience of the source',
  why: 'A WAL sender that hears nothing for this long ends the stream; it is taken up again, but each time costs.',
  mends: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const { source } = context
    const milliseconds = await numberOf(source, 'wal_sender_timeout')
    const shown = await settingOf(source, 'wal_sender_timeout')
    if (!milliseconds) return fine('it waits for ever')
    if (milliseconds >= shortestTimeoutMs) return fine(`it waits for ${shown}`)
    const { sql, words } = await changeSettings(context, 'source', { wal_sender_timeout: '60s' })
    return {
      status: 'warning',
      found: `wal_sender_timeout is ${shown} on the source: a short pause ends the stream`,
      todo: `Raise it for the time of the move.${words}`,
      sql,
    }
  },
}

/** What the server has unless told otherwise. */
const usualDecodingKb = 64 * 1024

const decodingMemory: Check = {
  id: 'logical-decoding-work-mem',
  title: 'Memory for decoding',
  why: 'Of a transaction that does not fit, the source writes the changes to its disk and reads them again.',
  mends: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const { source } = context
    const kilobytes = await numberOf(source, 'logical_decoding_work_mem')
    if (kilobytes === null) return fine('not a setting before PostgreSQL 13')
    const shown = formatBytes(kilobytes * 1024)
    if (kilobytes >= usualDecodingKb) return fine(`transactions of up to ${shown} are decoded in memory`)
    const { sql, words } = await changeSettings(context, 'source', { logical_decoding_work_mem: '256MB' })
    return {
      status: 'warning',
      found: `logical_decoding_work_mem is ${shown} on the source: larger transactions go through its disk`,
      todo: `Raise it for the time of the move.${words}`,
      sql,
    }
  },
}

export async function settingOf(session: Session, name: string): Promise<string | null> {
  const { value } = await session.one<{ value: string | null }>(
    `select current_setting('${name}', true) as value`,
  )
  return value
}

/** In the unit in which the server keeps it. */
async function numberOf(session: Session, name: string): Promise<number | null> {
  const [row] = await session.query<{ value: number }>(
    `select setting::float8 as value from pg_catalog.pg_settings where name = '${name}'`,
  )
  return row?.value ?? null
}

export const trafficChecks: readonly Check[] = [retention, senderTimeout, decodingMemory]
