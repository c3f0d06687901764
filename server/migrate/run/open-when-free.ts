// Opens a session at the end of a run: a server without a free connection may soon have one.
import { messageOf } from '../../../shared/message-of.ts'
import { pause } from '../../copy/pause.ts'
import { ConnectFailed } from '../../postgres/errors.ts'
import { Session, type SessionOptions } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'

const usualPausesMs: readonly number[] = [250, 500, 1000, 2000, 4000, 8000, 16_000]
const neverAborted = new AbortController().signal

export function hasNoConnection(error: unknown): boolean {
  return error instanceof ConnectFailed && error.reason === 'limit'
}

export async function openWhenFree(
  settings: ConnectionSettings,
  options: SessionOptions & { say(message: string): void; pausesMs?: readonly number[] },
): Promise<Session> {
  const { say, pausesMs = usualPausesMs, ...rest } = options
  for (let attempt = 0; ; attempt++) {
    try {
      return await Session.open(settings, rest)
    } catch (error) {
      const wait = pausesMs[attempt]
      if (!hasNoConnection(error) || wait === undefined) throw error
      say(`${messageOf(error)} Trying again in ${wait / 1000} s.`)
      await pause(wait, rest.until ?? neverAborted)
    }
  }
}
