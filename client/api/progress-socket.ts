// The stream of progress and of what is followed, connected again for as long as the page is open.
import type { ProgressMessage } from '../../shared/api.ts'
import type { FleetMessage } from '../../shared/fleet-api.ts'
import type { FollowMessage } from '../../shared/follow-api.ts'

const firstPause = 500
const longestPause = 5_000
/** A connection that is not there by then is tried anew. */
const openLimit = 10_000

export type SocketState = 'connecting' | 'live' | 'lost'
export type Message = ProgressMessage | FollowMessage | FleetMessage

export interface Listening {
  /** Lost when there is no connection: who speaks says it again on the next one. */
  say(message: object): void
  stop(): void
}

export function listen(
  onMessage: (message: Message) => void,
  onState: (state: SocketState) => void,
): Listening {
  let socket: WebSocket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let pause = firstPause
  let stopped = false

  function connect() {
    const address = new URL('/ws/progress?partial=true', location.href)
    address.protocol = address.protocol.replace('http', 'ws')
    const opened = new WebSocket(address)
    socket = opened
    const limit = setTimeout(() => opened.close(), openLimit)
    opened.onopen = () => {
      clearTimeout(limit)
      pause = firstPause
      onState('live')
    }
    opened.onmessage = ({ data }) => {
      onMessage(JSON.parse(String(data)) as Message)
    }
    opened.onclose = () => {
      clearTimeout(limit)
      if (stopped) return
      onState('lost')
      timer = setTimeout(connect, pause)
      pause = Math.min(pause * 2, longestPause)
    }
  }

  /** Waking up or going online is a good moment to stop waiting. */
  function connectNow() {
    if (stopped || socket?.readyState !== WebSocket.CLOSED) return
    clearTimeout(timer)
    pause = firstPause
    connect()
  }

  addEventListener('online', connectNow)
  onState('connecting')
  connect()
  return {
    say(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
    },
    stop() {
      stopped = true
      removeEventListener('online', connectNow)
      clearTimeout(timer)
      socket?.close()
    },
  }
}
