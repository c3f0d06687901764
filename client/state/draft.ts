// The request in the making: what all steps of the page write into.
import { createMemo, createRoot } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { Conn, Profile, ProfileRequest, RequestBody } from '../../shared/api.ts'
import { defaultFollowOptions, type FollowOptions } from '../../shared/follow-options.ts'
import {
  defaultOptions,
  type Hook,
  type MigrationOptions,
  type Selection,
  type TableRule,
} from '../../shared/request.ts'
import { type End, emptyEnd, formatUrl, fromConnection, toConn, toConnection } from './connection-url.ts'
import { selectionOf } from './selection.ts'
import { tickAll, ticks } from './source.ts'

export type Side = 'source' | 'destination'

interface Draft {
  source: End
  destination: End
  options: MigrationOptions
  needed: Selection['needed']
  rules: TableRule[]
  /** The page shows none, but does not lose those of a saved request. */
  hooks: Hook[]
  /** Instead of ticks: what a saved request or a failed run names. */
  given: Partial<Selection> | undefined
  /** Changes are followed after the copy. */
  following: boolean
  follow: FollowOptions
}

const [store, setStore] = createStore<Draft>(emptyDraft())
export const draft = store
export const setDraft = setStore

export function setEnd(side: Side, end: End) {
  setStore(side, reconcile(end))
}

export function setOption<Name extends keyof MigrationOptions>(name: Name, value: MigrationOptions[Name]) {
  setStore('options', { [name]: value })
}

export function resetOptions() {
  setStore('options', reconcile(structuredClone(defaultOptions)))
  setStore('follow', reconcile(structuredClone(defaultFollowOptions)))
}

export function setFollowing(following: boolean) {
  setStore('following', following)
}

/** Undefined takes a word back. */
export function setFollow(changed: { [Name in keyof FollowOptions]?: FollowOptions[Name] | undefined }) {
  setStore('follow', changed as Partial<FollowOptions>)
}

export function followOptions(): Partial<FollowOptions> {
  return changedFrom(defaultFollowOptions, store.follow)
}

export function swapEnds() {
  const [source, destination] = [copyOf(store.source), copyOf(store.destination)]
  setEnd('source', destination)
  setEnd('destination', source)
}

export function ruleFor(table: string): TableRule | undefined {
  return store.rules.find((rule) => rule.table === table)
}

export function setWhere(table: string, where: string) {
  const others = store.rules.filter((rule) => rule.table !== table)
  const { where: _, ...rest } = ruleFor(table) ?? { table }
  const rule = where.trim() === '' ? rest : { ...rest, where }
  setStore('rules', Object.keys(rule).length > 1 ? [...others, rule] : others)
}

/** What is selected, also before the source was read: then everything. */
export const selection = createRoot(() =>
  createMemo((): Partial<Selection> => {
    if (store.given) return { ...store.given, needed: store.needed }
    const { tree, ticked } = ticks()
    return tree ? selectionOf(tree, ticked, store.needed) : { needed: store.needed }
  }),
)

export const requestBody = createRoot(() =>
  createMemo((): RequestBody => {
    return {
      source: toConn(store.source),
      destination: toConn(store.destination),
      selection: selection(),
      ...(store.rules.length > 0 && { tables: store.rules.map((rule) => ({ ...rule })) }),
      ...(store.hooks.length > 0 && { hooks: store.hooks.map((hook) => ({ ...hook })) }),
      options: changedFrom(defaultOptions, store.options),
    }
  }),
)

/** With the connections themselves, to be saved. */
export function profileRequest(): ProfileRequest {
  return {
    ...requestBody(),
    source: toConnection(store.source),
    destination: toConnection(store.destination),
  }
}

export function takeProfile({ name, request, kept }: Profile) {
  takeRequest(request)
  for (const side of ['source', 'destination'] as const) {
    if (!kept[side]) continue
    const url = formatUrl(store[side], { masked: false })
    setStore(side, 'kept', { at: { profile: name, side }, url })
  }
}

/** A request of before. It has no passwords: one that is known here stays if it is for the same server. */
export function takeRequest(request: RequestBody) {
  setEnd('source', endOf(request.source, store.source))
  setEnd('destination', endOf(request.destination, store.destination))
  const { needed = 'add', ...selected } = request.selection ?? {}
  const isGiven = Object.values(selected).some((list) => Array.isArray(list) && list.length > 0)
  setStore({
    options: { ...structuredClone(defaultOptions), ...request.options },
    needed,
    rules: request.tables ?? [],
    hooks: request.hooks ?? [],
    given: isGiven ? selected : undefined,
  })
  if (!isGiven) tickAll(true)
}

export function selectByTicks() {
  setStore('given', undefined)
}

function endOf(conn: Conn, known: End): End {
  // An end that a profile keeps is what was typed before, or nothing that is known here.
  if ('profile' in conn) return known.kept?.at.profile === conn.profile ? copyOf(known) : emptyEnd()
  const end = fromConnection(conn)
  const { host, port, user, password } = end.fields
  const isSame = known.fields.host === host && known.fields.port === port && known.fields.user === user
  if (password === '' && isSame) end.fields.password = known.fields.password
  return end
}

/** Over the wire nothing is said that has its default. */
function changedFrom<Options extends object>(defaults: Options, options: Options): Partial<Options> {
  const changed = Object.entries(options).filter(
    ([name, value]) =>
      value !== undefined && JSON.stringify(value) !== JSON.stringify(defaults[name as keyof Options]),
  )
  return Object.fromEntries(changed) as Partial<Options>
}

function copyOf(end: End): End {
  return {
    fields: { ...end.fields },
    extra: end.extra.map(([name, value]) => [name, value]),
    ...(end.kept && { kept: { at: { ...end.kept.at }, url: end.kept.url } }),
  }
}

function emptyDraft(): Draft {
  return {
    source: emptyEnd(),
    destination: emptyEnd(),
    options: structuredClone(defaultOptions),
    needed: 'add',
    rules: [],
    hooks: [],
    given: undefined,
    following: false,
    follow: structuredClone(defaultFollowOptions),
  }
}
