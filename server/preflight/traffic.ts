// Settings of the source that affect following but are not required for it.

import { formatBytes } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { type Check, type Finding, passed } from './check.ts'
import { changeSettings, numberOf, settingOf } from './settings.ts'

const retention: Check = {
  id: 'wal-retention',
  title: 'WAL retention',
  why: say`While the copy runs, the source retains WAL for the slot. With a low limit the slot can be lost; without a limit the disk can fill up.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const limit = await settingOf(context.source, 'max_slot_wal_keep_size')
    if (limit === null) return passed(say`without limit (PostgreSQL 12): watch the disk of the source`)
    if (limit === '-1') {
      return {
        status: 'ok',
        found: say`without limit`,
        todo: say`Watch the source's disk while the copy runs.`,
      }
    }
    const { sql, words } = await changeSettings(context, 'source', { max_slot_wal_keep_size: '-1' })
    return {
      status: 'warning',
      found: say`max_slot_wal_keep_size is ${limit} on the source: if more WAL than that is written before it is read, the slot is lost and the migration must start again`,
      todo: say`Raise it above the amount of WAL that is written during the copy, as far as the disk allows. Without a limit (-1), watch the disk of the source: it can fill up.${words}`,
      sql,
    }
  },
}

const shortestTimeoutMs = 10_000

const senderTimeout: Check = {
  id: 'wal-sender-timeout',
  title: 'WAL sender timeout',
  why: say`A WAL sender that receives no reply for this long ends the stream. pgtrek reconnects, but each reconnection takes time.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const { source } = context
    const milliseconds = await numberOf(source, 'wal_sender_timeout')
    const shown = await settingOf(source, 'wal_sender_timeout')
    if (!milliseconds) return passed(say`no timeout`)
    if (milliseconds >= shortestTimeoutMs) return passed(shown ?? say`default`)
    const { sql, words } = await changeSettings(context, 'source', { wal_sender_timeout: '60s' })
    return {
      status: 'warning',
      found: say`wal_sender_timeout is ${shown} on the source: a short pause ends the stream`,
      todo: say`Raise it for the duration of the migration.${words}`,
      sql,
    }
  },
}

/** The default of the server. */
const usualDecodingKb = 64 * 1024

const decodingMemory: Check = {
  id: 'logical-decoding-work-mem',
  title: 'Memory for decoding',
  why: say`The source writes the changes of larger transactions to its disk and reads them again.`,
  fixable: true,
  followOnly: true,
  async look(context): Promise<Finding> {
    const { source } = context
    const kilobytes = await numberOf(source, 'logical_decoding_work_mem')
    if (kilobytes === null) return passed(say`PostgreSQL 12 does not have this setting`)
    const shown = formatBytes(kilobytes * 1024)
    if (kilobytes >= usualDecodingKb) return passed(say`transactions of up to ${shown} are decoded in memory`)
    const { sql, words } = await changeSettings(context, 'source', { logical_decoding_work_mem: '256MB' })
    return {
      status: 'warning',
      found: say`logical_decoding_work_mem is ${shown} on the source: larger transactions are written to its disk`,
      todo: say`Raise it for the duration of the migration.${words}`,
      sql,
    }
  },
}

export const trafficChecks: readonly Check[] = [retention, senderTimeout, decodingMemory]
