// The command that starts `pgtrek` in tests: the executable if the test run has compiled one, otherwise the source.
import { join } from 'node:path'

/** The path of the executable; set by the program that runs the tests. */
export const programVariable = 'EXECUTABLE_OF_PGTREK'

const compiled = process.env[programVariable]

/** Precedes the arguments of pgtrek. */
export const program: readonly string[] = compiled
  ? [compiled]
  : [process.execPath, join(import.meta.dir, '../server/main.ts')]
