// One temporary directory for each process for everything that tests start. It is removed however the process ends.
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let current: { directory: string; alive: number } | undefined

export function scratchDirectory(): string {
  if (!current) {
    const directory = mkdtempSync(join(tmpdir(), 'pgtrek-test-'))
    // Every user needs access: servers run as a user other than root.
    chmodSync(directory, 0o755)
    current = { directory, alive: startWatchdog(directory) }
  }
  return current.directory
}

export function removeScratchDirectory() {
  if (!current) return
  const { directory, alive } = current
  current = undefined
  rmSync(directory, { recursive: true, force: true })
  closeSync(alive)
}

/**
 * Stops what still runs and removes the directory once this process is gone, also after `kill -9`: the pipe that it
 * reads is closed then. It is detached and has its own session, so that neither Ctrl-C in the terminal nor a test
 * runner that kills the children of a hanging test ends it.
 */
function startWatchdog(directory: string): number {
  const pipe = join(directory, 'alive')
  execFileSync('mkfifo', ['-m', '600', pipe])
  const writer = openSync(pipe, 'r+')
  const script = `
    {
      cat <"$1/alive" >/dev/null
      try=0
      while [ -e "$1" ] && [ $try -lt 50 ]; do
        for file in "$1"/*/data/postmaster.pid; do
          [ -e "$file" ] && kill -QUIT "$(head -n 1 "$file")"
        done
        sleep 0.2
        rm -rf "$1"
        try=$((try + 1))
      done
    } &`
  const parent = spawn('sh', ['-c', script, 'watchdog', directory], {
    detached: true,
    cwd: '/',
    stdio: 'ignore',
  })
  parent.unref()
  return writer
}
