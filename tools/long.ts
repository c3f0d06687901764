// Tests that take long: most of their cases run with `npm run test:long` only, and some with every `npm test`.

export const longVariable = 'LONG_TESTS_OF_PGTREK'

export const isLong = process.env[longVariable] === '1'

/** All cases in a long run, and the first list in every run. */
export function casesOf<Case>(always: readonly Case[], onlyLong: readonly Case[]): Case[] {
  return isLong ? [...always, ...onlyLong] : [...always]
}
