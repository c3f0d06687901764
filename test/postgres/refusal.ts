// Connections that are to fail, by settings that nothing of this machine adds to.
import { expect } from 'bun:test'
import { ConnectFailed } from '../../server/postgres/errors.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { within } from '../../tools/eventually.ts'

export function settingsFor(url: string) {
  return resolveSettings({ url }, { env: {}, home: '/nowhere', socketDirectories: [] })
}

export async function refusal(attempt: Promise<unknown>): Promise<ConnectFailed> {
  const outcome = await within('an attempt to connect', attempt).then(
    () => new Error('it was not refused'),
    (error) => error,
  )
  expect(outcome).toBeInstanceOf(ConnectFailed)
  return outcome
}
