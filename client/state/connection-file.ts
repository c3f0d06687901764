// Files of connections and profiles. Loaded when one is dropped: the schemas that check it are large.
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ProfileBody, ProfileName } from '../../shared/api.ts'
import { Connection } from '../../shared/connection.ts'
import { formatUrl, fromConnection, parseUrl } from './connection-url.ts'
import type { SavedConnection } from './saved-connections.ts'

const FileProfile = Type.Object({ name: ProfileName, ...ProfileBody.properties })
type FileProfile = Static<typeof FileProfile>

export interface FileContent {
  connections: SavedConnection[]
  profiles: FileProfile[]
}

/** Accepts a file of this page, a list of connections or profiles, or one profile. */
export function readConnectionFile(text: string): FileContent | undefined {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // Not JSON: the caller reports it.
    return undefined
  }
  const items = listIn(content)
  const profiles = items.map(profileIn).filter((item) => item !== undefined)
  const connections = items.map(connectionIn).filter((item) => item !== undefined)
  return profiles.length + connections.length > 0 ? { connections, profiles } : undefined
}

function listIn(content: unknown): unknown[] {
  if (Array.isArray(content)) return content
  if (typeof content !== 'object' || content === null) return []
  const { connections, profiles } = content as { connections?: unknown; profiles?: unknown }
  const lists = [connections, profiles].filter((one) => Array.isArray(one))
  return lists.length > 0 ? lists.flat() : [content]
}

/** Drops other fields of the file, such as the time of saving. */
function profileIn(item: unknown): FileProfile | undefined {
  const profile = Value.Clean(FileProfile, Value.Default(FileProfile, structuredClone(item)))
  return Value.Check(FileProfile, profile) ? profile : undefined
}

function connectionIn(item: unknown): SavedConnection | undefined {
  if (typeof item !== 'object' || item === null || 'request' in item) return undefined
  const { name, ...rest } = item as { name?: unknown }
  const isConnection = Object.keys(rest).length > 0 && Value.Check(Connection, rest)
  if (typeof name !== 'string' || name === '' || !isConnection) return undefined
  if ('url' in rest && typeof parseUrl(rest.url) === 'string') return undefined
  return { name, url: formatUrl(fromConnection(rest), { masked: false }) }
}
