// Files with what was seen in databases: values of rows in messages, names, conditions. Only this user reads them.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'

/** One that is there already may be shared with other things: it stays as it is, and the files in it are private. */
export function makePrivateDirectory(path: string) {
  mkdirSync(path, { recursive: true, mode: 0o700 })
}

/** A database of SQLite, made where it is not there; the files beside it get its mode when SQLite makes them. */
export function makePrivate(path: string) {
  // One that is there is not opened: closing it would release the locks that SQLite holds on it in this process.
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
    // Another process has made it in the meantime.
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
}
