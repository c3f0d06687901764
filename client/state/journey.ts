// What the user wants to do, and the steps that lead there.
import type { StepName } from './address.ts'
import { draft, setDraft } from './draft.ts'
import type { Purpose } from './draft-shape.ts'
import { go } from './route.ts'

/** A step of the draft, or the page where a purpose ends. */
export type Place = StepName | 'compare' | 'schema' | 'follow' | 'schedules'

const journeys: Record<Purpose, readonly Place[]> = {
  copy: ['connections', 'selection', 'plan', 'run'],
  sync: ['connections', 'selection', 'plan', 'follow'],
  compare: ['connections', 'selection', 'compare'],
  schema: ['connections', 'schema'],
  refresh: ['connections', 'selection', 'plan', 'schedules'],
}

export function setPurpose(purpose: Purpose) {
  setDraft({ purpose, following: purpose === 'sync' })
}

export function journey(): readonly Place[] {
  return journeys[draft.purpose]
}

export function pathOf(place: Place): string {
  return `/#${place}`
}

/** Undefined at the end of the way. */
export function placeAfter(place: Place): Place | undefined {
  const at = journey().indexOf(place)
  return at < 0 ? undefined : journey()[at + 1]
}

export function placeBefore(place: Place): Place | undefined {
  return journey()[journey().indexOf(place) - 1]
}

export function goOn(from: Place) {
  const next = placeAfter(from)
  if (next) go(pathOf(next))
}

export function goBack(from: Place) {
  const before = placeBefore(from)
  go(before ? pathOf(before) : '/')
}
