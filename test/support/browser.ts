// One browser for all tests of a file.
import type { Browser } from 'playwright-core'
import { startBrowser } from '../../tools/browser.ts'
import { whenFileOver } from '../../tools/servers/scope.ts'

let running: Promise<Browser> | undefined

/**
 * One for all tests of a file, closed after them. Call it in `beforeAll`: a process that a test starts has to end
 * with that test.
 */
export function browser(): Promise<Browser> {
  running ??= startForFile()
  return running
}

async function startForFile(): Promise<Browser> {
  const started = await startBrowser()
  whenFileOver(() => {
    running = undefined
    return started.close()
  })
  return started
}
