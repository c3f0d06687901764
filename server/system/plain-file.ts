// Reads a small text file whose path comes from a user. A pipe without a writer, or an endless device, must not block
// the process.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'

const mostBytes = 1024 * 1024

export interface PlainFile {
  text: string
  stats: Stats
}

/** Throws the system's error, or one that describes what is wrong with the file. */
export function readPlainFile(path: string): PlainFile {
  // Without waiting for the other end of a pipe.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new Error('it is not a plain file')
    if (stats.size > mostBytes) throw new Error(`it is larger than ${mostBytes / 1024 / 1024} MB`)
    return { text: readFileSync(file, 'utf8'), stats }
  } finally {
    closeSync(file)
  }
}
