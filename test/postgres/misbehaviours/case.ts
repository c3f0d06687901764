// One misbehaviour: what a fake server does, at which point, and what pgtrek reports then.
import type { Behaviour, Fake } from '../../support/fake-server.ts'

/** `into` is the destination of a COPY, `tables` the source of many at once, `pipeline` where changes are applied. */
export type Place = 'login' | 'query' | 'copy' | 'into' | 'tables' | 'stream' | 'pipeline' | 'tunnel'

export interface Case {
  at: Place
  name: string
  behaviour: Behaviour
  says: RegExp
  /** The class of the error, if it is not the usual one at this point. */
  error?: string
  /** In the connection URL. */
  parameters?: string
}

export type Answer = (fake: Fake) => void

export function senseless(what: string): RegExp {
  return new RegExp(`the server's answer is not valid: ${what}`)
}

/** Lengths that no message can have. */
export const lengths = [
  ['0', 0],
  ['3', 3],
  ['less than nothing', -1],
  ['2 GB', 0x7fffffff],
] as const
