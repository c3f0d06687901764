// The connections that pgtrek was started with: filled in where nothing was entered yet.
import { createSignal } from 'solid-js'
import { sides } from '../../shared/constants.ts'
import { api } from '../api/calls.ts'
import { formatUrl, fromConnection, isEmptyEnd } from './connection-url.ts'
import { draft, setEnd } from './draft.ts'
import type { Side } from './draft-shape.ts'

/** URLs for which pgtrek has a password from its owner. */
const [known, setKnown] = createSignal<Partial<Record<Side, string>>>({})

export function usesOwnersPassword(side: Side): boolean {
  const end = draft[side]
  return end.fields.password === '' && known()[side] === formatUrl(end, { masked: false })
}

export async function takeNamed() {
  // Without a response, for example before the login, nothing is filled in.
  const named = await api.named().catch(() => undefined)
  for (const side of sides) {
    const one = named?.[side]
    if (!one) continue
    const end = fromConnection(one.connection)
    if (one.password) setKnown((before) => ({ ...before, [side]: formatUrl(end, { masked: false }) }))
    if (isEmptyEnd(draft[side])) setEnd(side, end)
  }
}
