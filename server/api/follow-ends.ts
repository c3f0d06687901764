// Whoever goes on with what was begun, or cleans it up, must mean the same two databases.
import { type ConnectionSettings, isAt, serverName } from '../postgres/settings.ts'
import type { FollowStore } from '../store/follows.ts'
import { ApiFailure } from './errors.ts'

export function refuseOtherFollow(
  store: FollowStore,
  ends: { source: ConnectionSettings; destination: ConnectionSettings },
  name: string | undefined,
) {
  const known = name === undefined ? undefined : store.load(name)
  if (!known) return
  for (const side of ['source', 'destination'] as const) {
    if (isAt(known[side], ends[side])) continue
    const place = `${serverName(ends[side])}/${ends[side].database}`
    throw new ApiFailure(
      'usage',
      `the ${side} of ${name} is ${known[side]}, and this is ${place}`,
      `/${side}`,
    )
  }
}
