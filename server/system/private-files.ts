// Files with data from databases: values of rows in messages, names, conditions. They are readable by this user only.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'

/** An existing directory may be shared with other programs, so its mode stays. The files in it are private anyway. */
export function makePrivateDirectory(path: string) {
  mkdirSync(path, { recursive: true, mode: 0o700 })
}

/** Creates an SQLite database unless it exists. SQLite gives its mode to the auxiliary files. */
export function makePrivate(path: string) {
  // An existing database is not opened: closing it would release the locks that SQLite holds on it in this process.
  // https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
  if (!existsSync(path)) makeEmpty(path)
  if (process.platform === 'win32') return
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (!stats || stats.uid !== process.geteuid?.() || (stats.mode & 0o077) === 0) continue
    chmodSync(file, stats.mode & 0o700)
  }
}

function makeEmpty(path: string) {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    // Another process has created it in the meantime.
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
}
