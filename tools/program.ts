// `pgtrek` as tests start it: the executable where a run of all tests has compiled it, else from its source.
import { join } from 'node:path'

/** The path of the executable; set by the program that runs the tests. */
export const programVariable = 'EXECUTABLE_OF_PGTREK'

const compiled = process.env[programVariable]

/** The words before those of the command. */
export const program: readonly string[] = compiled
  ? [compiled]
  : [process.execPath, join(import.meta.dir, '../server/main.ts')]
