// Pseudo-random numbers that are the same for the same seed (mulberry32).

export interface Random {
  /** From 0 up to 1. */
  number(): number
  /** A whole number from 0 up to the limit. */
  below(limit: number): number
  chance(probability: number): boolean
}

export function seeded(seed: number): Random {
  let state = seed >>> 0
  function number() {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  return {
    number,
    below: (limit) => Math.floor(number() * limit),
    chance: (probability) => number() < probability,
  }
}
