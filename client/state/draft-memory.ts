// Keeps the edited request over a reload of the page, without passwords.
import type { Selection } from '../../shared/request.ts'
import { emptyEnd, placeOf, withoutSecrets } from './connection-url.ts'
import type { Draft } from './draft-shape.ts'

/** The selection is stored as names, since the tree does not exist before the source has been read again. */
export function draftText(draft: Draft, selection: Partial<Selection>): string {
  const { needed: _, ...selected } = selection
  const isSome = Object.values(selected).some((list) => list.length > 0)
  return JSON.stringify({
    ...draft,
    source: withoutSecrets(draft.source),
    destination: withoutSecrets(draft.destination),
    given: draft.given ?? (isSome ? { of: placeOf(draft.source), selection: selected } : undefined),
  })
}

/** Missing fields, for example after an update of pgtrek, are taken from `empty`. */
export function draftFrom(text: string | undefined, empty: Draft): Draft {
  if (text === undefined) return empty
  try {
    const { source, destination, options, follow, ...rest } = JSON.parse(text) as Partial<Draft>
    const whole = (end: Partial<Draft['source']> = {}) => ({
      ...emptyEnd(),
      ...end,
      fields: { ...emptyEnd().fields, ...end.fields },
    })
    return {
      ...empty,
      ...rest,
      source: whole(source),
      destination: whole(destination),
      options: { ...empty.options, ...options },
      follow: { ...empty.follow, ...follow },
    }
  } catch {
    // Not a draft, written by something else: start empty.
    return empty
  }
}
