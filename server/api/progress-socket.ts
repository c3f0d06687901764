// `/ws/progress`: sends the progress of the job, of moves and of the fleet.
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { Elysia } from 'elysia'
import { ProgressMessage } from '../../shared/api.ts'
import { FleetMessage, FleetWish } from '../../shared/fleet-api.ts'
import { FollowMessage } from '../../shared/follow-api.ts'
import { oneOf } from '../../shared/one-of.ts'
import type { FleetWatch } from './fleet-watches.ts'
import type { Services } from './services.ts'

/** A client that is this far behind gets the whole state when it has caught up, instead of further messages. */
const mostBehindBytes = 1024 * 1024

export const messageSchema = Type.Union([ProgressMessage, ...FollowMessage.anyOf, FleetMessage])

type Message = ProgressMessage | FollowMessage | FleetMessage

interface Listening {
  fleet: FleetWatch | undefined
  end(): void
}

export function progressSocket({ jobs, follows, fleet }: Services) {
  const listening = new Map<string, Listening>()
  return new Elysia().ws('/ws/progress', {
    response: messageSchema,
    query: Type.Object({ partial: Type.Optional(oneOf(['1', 'true', '0', 'false'])) }),
    detail: {
      summary:
        'Live progress; every message is complete. With ?partial=1 the first message is complete, later ones contain only changes',
      tags: ['migration'],
    },
    open(ws) {
      // Bun's socket reports how far behind it is; Elysia's type of it lacks that method.
      const socket = ws.raw as unknown as Pick<Bun.ServerWebSocket, 'getBufferedAmount'>
      const send = (message: Message) => {
        if (socket.getBufferedAmount() > mostBehindBytes) return false
        // 0: the connection is lost, and `close` follows. -1: queued, but not sent yet.
        ws.raw.send(JSON.stringify(message))
        return true
      }
      const wants = ['1', 'true'].includes(ws.data.query.partial ?? '') ? 'changes' : 'all'
      const ends = [
        jobs.watch((data) => send({ type: 'progress', data }), wants),
        follows.watches.watch(send),
      ]
      const watch = fleet?.watches.watch(send, wants)
      listening.set(ws.id, {
        fleet: watch,
        end() {
          for (const end of ends) end()
          watch?.end()
        },
      })
    },
    // Other messages of clients are ignored.
    message(ws, request) {
      if (Value.Check(FleetWish, request)) listening.get(ws.id)?.fleet?.refreshEvery(request.refresh_seconds)
    },
    close(ws) {
      listening.get(ws.id)?.end()
      listening.delete(ws.id)
    },
  })
}
