// Connections saved in this browser.
import { createSignal } from 'solid-js'
import type { Profile } from '../../shared/api.ts'
import { type End, formatUrl, isSecret, parseUrl } from './connection-url.ts'
import { recall, remember } from './memory.ts'

export interface SavedConnection {
  name: string
  url: string
}

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

export function takeConnections(connections: readonly SavedConnection[]) {
  const names = new Set(connections.map(({ name }) => name))
  store([...list().filter(({ name }) => !names.has(name)), ...connections])
}

export function connectionFile(profiles: readonly Profile[]): string {
  return JSON.stringify({ connections: list(), profiles }, null, 2)
}

function store(next: SavedConnection[]) {
  const sorted = next.sort((one, other) => one.name.localeCompare(other.name))
  setList(sorted)
  remember('connections', JSON.stringify(sorted))
}

function load(): SavedConnection[] {
  try {
    const stored: unknown = JSON.parse(recall('connections') ?? '[]')
    return isSavedList(stored) ? stored : []
  } catch {
    // Not JSON, written by something else: start empty.
    return []
  }
}

function isSavedList(stored: unknown): stored is SavedConnection[] {
  return (
    Array.isArray(stored) &&
    stored.every(({ name, url }) => typeof name === 'string' && name !== '' && typeof url === 'string')
  )
}
