// The request that is being edited by all steps of the page.

import { createEffect, createMemo, createRoot } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { Conn, Profile, ProfileRequest, RequestBody } from '../../shared/api.ts'
import { defaultFollowOptions, defaultOptions } from '../../shared/defaults.ts'
import type { FollowOptions } from '../../shared/follow-options.ts'
import type { MigrationOptions, Selection, TableRule } from '../../shared/request.ts'
import { rulesFor, rulesOfOtherSources } from './conditions.ts'
import {
  type End,
  emptyEnd,
  formatUrl,
  fromConnection,
  placeOf,
  toConn,
  toConnection,
} from './connection-url.ts'
import { draftFrom, draftText } from './draft-memory.ts'
import type { Draft, Side } from './draft-shape.ts'
import { emptyDraft } from './draft-shape.ts'
import { recallForReload, rememberForReload } from './memory.ts'
import { selectionOf } from './selection.ts'
import { selectAll, sourceTree } from './source.ts'

const [store, setStore] = createStore<Draft>(draftFrom(recallForReload('draft'), emptyDraft()))
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
  const purpose = following ? 'sync' : store.purpose === 'sync' ? 'copy' : store.purpose
  setStore({ following, purpose })
}

/** Undefined removes a value. */
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

/** Those of the current source. */
export const rules = createRoot(() => createMemo(() => rulesFor(store.rules, placeOf(store.source))))

/** Written for another source: used again when that source is entered again. */
export const unusedRules = createRoot(() =>
  createMemo(() => rulesOfOtherSources(store.rules, placeOf(store.source))),
)

/** The names that a saved request has for this source. */
export function given(): Partial<Selection> | undefined {
  return store.given?.of === placeOf(store.source) ? store.given.selection : undefined
}

export function unusedSelection(): Partial<Selection> | undefined {
  return store.given && store.given.of !== placeOf(store.source) ? store.given.selection : undefined
}

export function ruleFor(table: string): TableRule | undefined {
  return rules().find((rule) => rule.table === table)
}

export function setWhere(table: string, where: string) {
  const of = placeOf(store.source)
  const others = store.rules.filter((one) => one.of !== of || one.rule.table !== table)
  const { where: _, ...rest } = ruleFor(table) ?? { table }
  const rule = where.trim() === '' ? rest : { ...rest, where }
  setStore('rules', Object.keys(rule).length > 1 ? [...others, { of, rule }] : others)
}

/** An existing rule of this source for the same table stays. */
export function useUnused() {
  const of = placeOf(store.source)
  if (unusedSelection()) setStore('given', 'of', of)
  const known = new Set(rules().map(({ table }) => table))
  const taken = unusedRules().filter(({ table }) => !known.has(table))
  setStore('rules', [...store.rules.filter((one) => one.of === of), ...taken.map((rule) => ({ of, rule }))])
}

export function discardUnused() {
  const of = placeOf(store.source)
  if (unusedSelection()) setStore('given', undefined)
  setStore(
    'rules',
    store.rules.filter((one) => one.of === of),
  )
}

/** The selection; everything before the source has been read. */
export const selection = createRoot(() =>
  createMemo((): Partial<Selection> => {
    const known = given()
    if (known) return { ...known, needed: store.needed }
    const { tree, selected } = sourceTree()
    return tree ? selectionOf(tree, selected, store.needed) : { needed: store.needed }
  }),
)

export const requestBody = createRoot(() =>
  createMemo((): RequestBody => {
    return {
      source: toConn(store.source),
      destination: toConn(store.destination),
      selection: selection(),
      ...(rules().length > 0 && { tables: rules().map((rule) => ({ ...rule })) }),
      ...(store.hooks.length > 0 && { hooks: store.hooks.map((hook) => ({ ...hook })) }),
      options: changedFrom(defaultOptions, store.options),
    }
  }),
)

// Kept over a reload of the page, without passwords.
createRoot(() => createEffect(() => rememberForReload('draft', draftText(store, selection()))))

/** With the connections, for saving. */
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

/** Loads an earlier request. It has no passwords: a password that is known here stays if it is for the same server. */
export function takeRequest(request: RequestBody) {
  setEnd('source', endOf(request.source, store.source))
  setEnd('destination', endOf(request.destination, store.destination))
  const { needed = 'add', ...named } = request.selection ?? {}
  const isGiven = Object.values(named).some((list) => Array.isArray(list) && list.length > 0)
  setStore({
    options: { ...structuredClone(defaultOptions), ...request.options },
    needed,
    rules: (request.tables ?? []).map((rule) => ({ of: placeOf(store.source), rule })),
    hooks: request.hooks ?? [],
    given: isGiven ? { of: placeOf(store.source), selection: named } : undefined,
  })
  if (!isGiven) selectAll(true)
}

/** The connections of an earlier request, with the passwords that are known here for the same servers. */
export function endsOf(request: RequestBody): { source: Conn; destination: Conn } {
  return {
    source: toConn(endOf(request.source, store.source)),
    destination: toConn(endOf(request.destination, store.destination)),
  }
}

export function selectInTree() {
  setStore('given', undefined)
}

function endOf(conn: Conn, known: End): End {
  // A connection that the profile has replaces what was entered before.
  if ('profile' in conn) return known.kept?.at.profile === conn.profile ? copyOf(known) : emptyEnd()
  const end = fromConnection(conn)
  const { host, port, user, password } = end.fields
  const isSame = known.fields.host === host && known.fields.port === port && known.fields.user === user
  if (password === '' && isSame) end.fields.password = known.fields.password
  return end
}

/** Values that equal the default are not sent. */
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
    ...(end.lost !== undefined && { lost: end.lost }),
  }
}
