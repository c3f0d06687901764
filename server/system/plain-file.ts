// Reads a small text whose path somebody else chose: neither a pipe that nobody writes to nor a device that never ends
// may keep the process.
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'

const mostBytes = 1024 * 1024

export interface PlainFile {
  text: string
  stats: Stats
}

/** Throws the system's error, or one that says what is wrong with the file. */
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
