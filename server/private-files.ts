// Files with what was seen in databases: values of rows in messages, names, conditions. Only this user reads them.
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'

/** One that is there already may be shared with other things: it stays as it is, and the files in it are private. */
export function makePrivateDirectory(path: string) {
  mkdirSync(path, { recursive: true, mode: 0o700 })
}

/** A database of SQLite, made where it is not there; the files beside it get its mode when SQLite makes them. */
export function makePrivate(path: string) {
  closeSync(openSync(path, 'a', 0o600))
  if (process.platform === 'win32') return
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (!stats || stats.uid !== process.geteuid?.() || (stats.mode & 0o077) === 0) continue
    chmodSync(file, stats.mode & 0o700)
  }
}
