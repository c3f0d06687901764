// A session on the destination that says: whom the rows are copied for is alive. It ends with its process, and
// from then on no worker commits what the next run would find, or find missing.

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

  /** Said again and again, since the server may be started anew under it. */
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

  /** At once: from now on nobody commits. */
  leave() {
    this.#session?.destroy()
  }

  async [Symbol.asyncDispose]() {
    await this.#session?.close()
  }
}
