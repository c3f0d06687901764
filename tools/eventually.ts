// Waits for a state instead of a time. Every wait has a deadline, and its error names what it waited for and what it
// saw last.

import { inspect } from 'node:util'
import { messageOf } from '../shared/message-of.ts'

/** Only a hang takes this long, also on a busy machine. */
const deadlineMs = 60_000
const firstPauseMs = 5
const longestPauseMs = 100

/** Thrown by a check when the state cannot be reached any more: ends the wait immediately. */
export class CannotHappen extends Error {
  override name = 'CannotHappen'
}

export interface WaitOptions {
  withinMs?: number
}

type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>

/**
 * Repeats `look` until its result holds, and returns that. Without `holds`, any truthy result does. A `look` that
 * throws, for instance a failed expectation, is repeated too.
 */
export function eventually<T>(what: string, look: () => T | Promise<T>): Promise<Truthy<T>>
export function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  options?: WaitOptions,
): Promise<T>
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean = Boolean,
  { withinMs = deadlineMs }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + withinMs
  let last = 'nothing: the first look did not return'
  for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
    try {
      const seen = await within(what, look(), Math.max(0, deadline - performance.now()))
      last = inspect(seen, { depth: 4, breakLength: 110 })
      if (holds(seen)) return seen
    } catch (error) {
      if (error instanceof CannotHappen) {
        throw new Error(`waited for ${what}: ${error.message}; last saw ${last}`, { cause: error })
      }
      if (!(error instanceof DeadlinePassed)) last = messageOf(error)
    }
    if (performance.now() >= deadline) {
      throw new Error(`waited ${withinMs / 1000} s for ${what}; last saw ${last}`)
    }
    await Bun.sleep(pause)
  }
}

class DeadlinePassed extends Error {}

/** The result of a promise that may never settle; `saw` adds what is known at the deadline. */
export async function within<T>(
  what: string,
  promise: T | Promise<T>,
  withinMs = deadlineMs,
  saw?: () => unknown,
): Promise<T> {
  const { promise: passed, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const seen = saw ? `; last saw ${inspect(saw(), { depth: 4, breakLength: 110 })}` : ''
    reject(new DeadlinePassed(`waited ${withinMs / 1000} s for ${what}${seen}`))
  }, withinMs)
  try {
    return await Promise.race([promise, passed])
  } finally {
    clearTimeout(timer)
  }
}
