// An event of following as a log line.

import type { Direction, FollowEvent } from '../../shared/follow.ts'
import type { FollowLogLine } from '../../shared/follow-view.ts'
import { say } from '../../shared/say.ts'
import { showName } from '../../shared/table-name.ts'

type Line = Pick<FollowLogLine, 'level' | 'message'>

export function describeFollowEvent(event: FollowEvent, direction: Direction): Line | undefined {
  const info = (message: string): Line => ({ level: 'info', message })
  const warn = (message: string): Line => ({ level: 'warn', message })
  switch (event.type) {
    case 'follow_connected':
      return info(connected(event, direction))
    case 'follow_waiting':
      return warn(say`${event.error.message}; another attempt in ${event.seconds} seconds`)
    case 'follow_conflict':
      return { level: 'error', message: event.conflict.message }
    case 'follow_skipped':
      return warn(say`transaction ${event.xid} (${event.lsn}) was skipped`)
    case 'follow_schema_changed':
      return warn(say`${showName(event.table)} has changed: ${event.changes.join('; ')}`)
    case 'follow_paused':
      return info('paused')
    case 'follow_resumed':
      return info('resumed')
    case 'follow_warning':
      return warn(event.message)
    case 'follow_streamed_given_up':
      return info(event.message)
    case 'follow_stopped':
      return event.error ? undefined : info(stopped(event.durable, direction))
    case 'follow_message':
    case 'follow_progress':
      return undefined
  }
}

function connected(
  { from, binary, position }: Extract<FollowEvent, { type: 'follow_connected' }>,
  direction: Direction,
): string {
  const values = binary ? 'binary' : 'text'
  const kept = position === 'origin' ? say`replication origin` : 'table'
  return direction === 'back'
    ? say`changes flow back from ${from} on (${values} values, position kept as ${kept})`
    : say`changes flow from ${from} on (${values} values, position kept as ${kept})`
}

function stopped(durable: string, direction: Direction): string {
  return direction === 'back'
    ? say`changes no longer flow back: everything up to ${durable} is on disk`
    : say`stopped: everything up to ${durable} is on disk`
}
