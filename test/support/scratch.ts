// One temporary directory per process for everything the tests start, emptied whatever way the process ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lastsAsLongAsWeDo } from './leftovers.ts'

let current: { directory: string; watchdog: ChildProcess } | undefined

export function scratchDirectory(): string {
  if (!current) {
    const directory = mkdtempSync(join(tmpdir(), 'pgtrek-test-'))
    // Everybody may pass through: servers run as another user than root.
    chmodSync(directory, 0o755)
    current = { directory, watchdog: startWatchdog(directory) }
  }
  return current.directory
}

export function removeScratchDirectory() {
  if (!current) return
  const { directory, watchdog } = current
  current = undefined
  rmSync(directory, { recursive: true, force: true })
  watchdog.stdin?.end()
}

/**
 * Stops what still runs and removes the directory once this process is gone. It waits for the end of its
 * standard input, which comes with our death whatever caused it, `kill -9` included; in its own session, so
 * that Ctrl-C in the terminal ends us and not it.
 */
function startWatchdog(directory: string): ChildProcess {
  const script = `
    cat >/dev/null
    try=0
    while [ -e "$1" ] && [ $try -lt 50 ]; do
      for file in "$1"/*/data/postmaster.pid; do
        [ -e "$file" ] && kill -QUIT "$(head -n 1 "$file")"
      done
      sleep 0.2
      rm -rf "$1"
      try=$((try + 1))
    done`
  const watchdog = spawn('sh', ['-c', script, 'watchdog', directory], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watchdog.unref()
  lastsAsLongAsWeDo(watchdog.pid)
  return watchdog
}
