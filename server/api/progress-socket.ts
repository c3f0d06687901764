// `/ws/progress`: the progress of the job and of what is followed, pushed.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { ProgressMessage } from '../../shared/api.ts'
import { FollowMessage } from '../../shared/follow-api.ts'
import type { Services } from './services.ts'

/** A client that is this far behind gets everything at once when it has caught up, instead of more and more. */
const mostBehindBytes = 1024 * 1024

type Message = ProgressMessage | FollowMessage

export function progressSocket({ jobs, follows }: Services) {
  const stops = new Map<string, () => void>()
  return new Elysia().ws('/ws/progress', {
    response: Type.Union([ProgressMessage, ...FollowMessage.anyOf]),
    detail: { summary: 'Progress as it happens: all of it once, then what has changed', tags: ['migration'] },
    open(ws) {
      // Bun's socket can say how far behind it is; the type that Elysia has of it does not know.
      const socket = ws.raw as unknown as Pick<Bun.ServerWebSocket, 'getBufferedAmount'>
      const send = (message: Message) => {
        if (socket.getBufferedAmount() > mostBehindBytes) return false
        // 0: the connection is gone, and `close` comes. -1: taken, but not through yet.
        ws.raw.send(JSON.stringify(message))
        return true
      }
      const ends = [jobs.watch((data) => send({ type: 'progress', data })), follows.watches.watch(send)]
      stops.set(ws.id, () => {
        for (const end of ends) end()
      })
    },
    // What clients say is of no interest.
    message() {},
    close(ws) {
      stops.get(ws.id)?.()
      stops.delete(ws.id)
    },
  })
}
