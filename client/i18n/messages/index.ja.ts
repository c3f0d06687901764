// All messages of the server in Japanese. The page loads this file on demand.
import { translatorOf } from '../messages.ts'
import { apiMessages } from './api.ja.ts'
import { fleetMessages } from './fleet.ja.ts'
import { followMessages } from './follow.ja.ts'
import { followHealthMessages } from './follow-health.ja.ts'
import { followMoveMessages } from './follow-move.ja.ts'
import { followRecopyMessages } from './follow-recopy.ja.ts'
import { followSwitchoverMessages } from './follow-switchover.ja.ts'
import { nouns } from './nouns.ja.ts'
import { planMessages } from './plan.ja.ts'
import { preflightFollow } from './preflight-follow.ja.ts'
import { preflightObjects } from './preflight-objects.ja.ts'
import { preflightServers } from './preflight-servers.ja.ts'
import { preflightWhy } from './preflight-why.ja.ts'
import { replicationMessages } from './replication.ja.ts'
import { replicationTableMessages } from './replication-tables.ja.ts'
import { rolesMessages } from './roles.ja.ts'
import { runLogMessages } from './run-log.ja.ts'

/** Each file by its name, for the test that finds a message in two of them. */
export const messageFiles = {
  apiMessages,
  followMessages,
  followHealthMessages,
  followMoveMessages,
  followRecopyMessages,
  followSwitchoverMessages,
  planMessages,
  preflightFollow,
  preflightObjects,
  preflightServers,
  preflightWhy,
  replicationMessages,
  replicationTableMessages,
  fleetMessages,
  rolesMessages,
  runLogMessages,
}

export const messages = Object.assign({}, ...Object.values(messageFiles)) as Record<string, string>

export const inJapanese = translatorOf(messages, nouns)
