// What takes long by nature has cases that run with `npm run test:long` only; some of each run with `npm test`.

export const longVariable = 'LONG_TESTS_OF_PGTREK'

export const isLong = process.env[longVariable] === '1'

/** All of them in a long run, and in every run those that this is said of. */
export function casesOf<Case>(always: readonly Case[], onlyLong: readonly Case[]): Case[] {
  return isLong ? [...always, ...onlyLong] : [...always]
}
