// A session on the destination that marks the run as alive. It ends with its process. Without it no worker commits, so
// that the next run does not find rows that appear or are missing later.

import { isLost } from '../postgres/errors.ts'
import { markOf, markStatement } from '../postgres/run-mark.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'

export class Presence implements AsyncDisposable {
  #session: Session | undefined

  constructor(
    readonly destination: ConnectionSettings,
    readonly run: string,
  ) {}

  /** Called again and again, since the server may be restarted meanwhile. */
  async show(): Promise<Session> {
    if (this.#session) {
      try {
        await this.#session.execute('select 1')
        return this.#session
      } catch (error) {
        if (!isLost(error)) throw error
        this.#session.destroy()
        this.#session = undefined
      }
    }
    const session = await Session.open(this.destination)
    this.#session = session
    await session.execute(markStatement(markOf(this.run)))
    return session
  }

  /** Immediately: from now on no worker commits. */
  leave() {
    this.#session?.destroy()
  }

  async [Symbol.asyncDispose]() {
    await this.#session?.close()
  }
}
