// An event of following as a log line.
import type { Direction, FollowEvent } from '../../shared/follow.ts'
import type { FollowLogLine } from '../../shared/follow-view.ts'
import { showName } from '../../shared/table-name.ts'

type Line = Pick<FollowLogLine, 'level' | 'message'>

export function describeFollowEvent(event: FollowEvent, direction: Direction): Line | undefined {
  const way = direction === 'back' ? ' back' : ''
  const info = (message: string): Line => ({ level: 'info', message })
  const warn = (message: string): Line => ({ level: 'warn', message })
  switch (event.type) {
    case 'follow_connected':
      return info(
        `changes flow${way} from ${event.from} on (${event.binary ? 'binary' : 'text'} values, position kept as ${event.position === 'origin' ? 'replication origin' : 'table'})`,
      )
    case 'follow_waiting':
      return warn(`${event.error.message}; another attempt in ${event.seconds} seconds`)
    case 'follow_conflict':
      return { level: 'error', message: event.conflict.message }
    case 'follow_skipped':
      return warn(`transaction ${event.xid} (${event.lsn}) was skipped`)
    case 'follow_schema_changed':
      return warn(`${showName(event.table)} has changed: ${event.changes.join('; ')}`)
    case 'follow_paused':
      return info('paused')
    case 'follow_resumed':
      return info('resumed')
    case 'follow_warning':
      return warn(event.message)
    case 'follow_streamed_given_up':
      return info(event.message)
    case 'follow_stopped':
      return event.error ? undefined : info(`stopped${way}: everything up to ${event.durable} is on disk`)
    case 'follow_message':
    case 'follow_progress':
      return undefined
  }
}
