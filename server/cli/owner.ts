// What a process that serves the API may use of its owner's passwords: see postgres/owner.ts.
import { UsageError } from '../postgres/errors.ts'
import type { Owner } from '../postgres/owner.ts'
import { resolveSettings } from '../postgres/resolve-settings.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'

export function ownerOf(named: readonly ConnectionSettings[], allowCleartext = false): Owner {
  return {
    // A local server may be started later, and its socket is then where PGHOST says nothing.
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
    // Then the environment names none; who leaves something to it is told why.
    if (error instanceof UsageError) return []
    throw error
  }
}
