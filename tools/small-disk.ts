// A file system of one megabyte, for tests with files that cannot be written. Mounting needs root.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { scratchDirectory } from './servers/scratch.ts'

export interface SmallDisk extends Disposable {
  directory: string
  /** Completely. */
  fill(): void
  /** Removes the file that fills it. */
  free(): void
  /** No file on it may be open for writing. */
  makeReadOnly(): void
}

/** Removed when the file of tests that uses it ends. */
export function smallDisk(): SmallDisk {
  const directory = join(scratchDirectory(), `small-disk-${randomUUID().slice(0, 8)}`)
  const filler = join(directory, 'filler')
  mkdirSync(directory)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'pipe' })
  return {
    directory,
    fill() {
      const file = openSync(filler, 'a')
      try {
        for (;;) writeSync(file, Buffer.alloc(4096))
      } catch (error) {
        if ((error as { code?: string }).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(filler),
    makeReadOnly: () => void execFileSync('mount', ['-o', 'remount,ro', directory]),
    [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', directory]),
  }
}

function tryToMount(): boolean {
  try {
    using _ = smallDisk()
    return true
  } catch {
    return false
  }
}

export const mayMount = tryToMount()
