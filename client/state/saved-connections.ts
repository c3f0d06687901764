// Connections saved in this browser, and files of them.
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { createSignal } from 'solid-js'
import { type Profile, ProfileBody, ProfileName } from '../../shared/api.ts'
import { Connection } from '../../shared/connection.ts'
import { type End, formatUrl, fromConnection, isSecret, parseUrl } from './connection-url.ts'
import { recall, remember } from './memory.ts'

export interface SavedConnection {
  name: string
  url: string
}

const SavedList = Type.Array(Type.Object({ name: Type.String({ minLength: 1 }), url: Type.String() }))

const [list, setList] = createSignal<SavedConnection[]>(load())
export const savedConnections = list

export function saveConnection(name: string, end: End, withPassword: boolean) {
  const fields = { ...end.fields, password: withPassword ? end.fields.password : '' }
  const extra = withPassword ? end.extra : end.extra.filter(([parameter]) => !isSecret(parameter))
  store([
    ...list().filter((one) => one.name !== name),
    { name, url: formatUrl({ fields, extra }, { masked: false }) },
  ])
}

export function removeConnection(name: string) {
  store(list().filter((one) => one.name !== name))
}

/** Undefined when the stored text is not a valid URL. */
export function savedEnd({ url }: SavedConnection): End | undefined {
  const end = parseUrl(url)
  return typeof end === 'string' ? undefined : end
}

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

export function takeConnections(connections: readonly SavedConnection[]) {
  const names = new Set(connections.map(({ name }) => name))
  store([...list().filter(({ name }) => !names.has(name)), ...connections])
}

export function connectionFile(profiles: readonly Profile[]): string {
  return JSON.stringify({ connections: list(), profiles }, null, 2)
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

function store(next: SavedConnection[]) {
  const sorted = next.sort((one, other) => one.name.localeCompare(other.name))
  setList(sorted)
  remember('connections', JSON.stringify(sorted))
}

function load(): SavedConnection[] {
  try {
    const stored: unknown = JSON.parse(recall('connections') ?? '[]')
    return Value.Check(SavedList, stored) ? stored : []
  } catch {
    // Not JSON, written by something else: start empty.
    return []
  }
}
