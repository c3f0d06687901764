// The WebSocket with progress and followed databases; reconnects for as long as the page is open.
import type { ProgressMessage } from '../../shared/api.ts'
import type { FleetMessage } from '../../shared/fleet-api.ts'
import type { FollowMessage } from '../../shared/follow-api.ts'

const firstPause = 500
const longestPause = 5_000
/** An attempt that has not connected by then is given up, and the next one starts. */
const openLimit = 10_000

export type SocketState = 'connecting' | 'live' | 'lost'
export type Message = ProgressMessage | FollowMessage | FleetMessage

export interface Listening {
  /** Dropped when there is no connection: the caller sends it again on the next one. */
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
    const address = new URL('/ws/progress?partial=1', location.href)
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

  /** Reconnects at once when the machine wakes up or goes online. */
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
