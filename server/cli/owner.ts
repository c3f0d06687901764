// Which passwords of its owner a process that serves the API may use: see postgres/owner.ts.
import { UsageError } from '../postgres/errors.ts'
import type { Owner } from '../postgres/owner.ts'
import { resolveSettings } from '../postgres/resolve-settings.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'

export function ownerOf(named: readonly ConnectionSettings[], allowCleartext = false): Owner {
  return {
    // Read at each request: a local server may be started later, and without PGHOST its socket is found only then.
    get servers() {
      return [...named, ...fromEnvironment()]
    },
    allowCleartext,
  }
}

/** The server that PGHOST, PGPORT and PGUSER name. */
function fromEnvironment(): ConnectionSettings[] {
  try {
    return [resolveSettings(undefined)]
  } catch (error) {
    // The environment names no server; a request that relies on it gets the reason.
    if (error instanceof UsageError) return []
    throw error
  }
}
