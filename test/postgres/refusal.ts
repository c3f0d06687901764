// Connections that are meant to fail, with settings that do not depend on this machine.
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
