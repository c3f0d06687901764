// `--api-port`: the page and the API beside a process that follows.
import type { FollowController } from '../../shared/follow-view.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import { ownerOf } from './owner.ts'

export interface Beside {
  apiPort: number | undefined
  logDirectory: string
  stateDirectory: string
  ends: readonly ConnectionSettings[]
}

/** Listens before anything begins, so that a port that is taken is known in time. */
export async function serveBeside(
  { apiPort, logDirectory, stateDirectory, ends }: Beside,
  desk: FollowController,
  say: (message: string) => void,
): Promise<AsyncDisposable> {
  if (apiPort === undefined) return { async [Symbol.asyncDispose]() {} }
  // Only then the framework is needed.
  const { startServer } = await import('../api/start.ts')
  const server = await startServer({
    host: 'localhost',
    port: apiPort,
    token: process.env.PGTREK_TOKEN || undefined,
    names: [],
    allowCommands: false,
    logDirectory,
    stateDirectory,
    follow: desk,
    owner: ownerOf(ends),
  })
  say(`the page and the API listen on ${server.url}`)
  return server
}
