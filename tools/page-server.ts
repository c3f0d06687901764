// The page as users have it: built, and served by a process of `pgtrek serve`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { within } from './eventually.ts'
import { program } from './program.ts'
import { freshPage } from './test-run/fresh-page.ts'

export interface PageServer extends AsyncDisposable {
  url: string
  directory: string
  /** As Ctrl-C does. */
  stop(): Promise<void>
}

/** The caller stops it. The directory is removed unless the caller has given one. */
export async function startPageServer(
  port = 0,
  directory?: string,
  flags: readonly string[] = [],
): Promise<PageServer> {
  await freshPage()
  const place = directory ?? mkdtempSync(join(tmpdir(), 'pgtrek-page-'))
  const child = Bun.spawn([...program, 'serve', '--port', String(port), ...flags], {
    cwd: place,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await within('the end of pgtrek serve after SIGTERM', child.exited)
    if (!directory) rmSync(place, { recursive: true, force: true })
  }
  return {
    url: await within('pgtrek serve to listen', addressOf(child)),
    directory: place,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Continues to read afterwards: the server would fail when it writes to a closed pipe. */
function addressOf(child: Bun.Subprocess<'ignore', 'pipe', 'inherit'>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const read = async () => {
    const decoder = new TextDecoder()
    let said = ''
    for await (const chunk of child.stdout) {
      said += decoder.decode(chunk, { stream: true })
      const url = /listens on (\S+)/.exec(said)?.[1]
      if (url) resolve(url.replace(/\/$/, ''))
    }
    reject(new Error(`pgtrek serve ended before it listened: ${said}`))
  }
  read().catch(reject)
  return promise
}
