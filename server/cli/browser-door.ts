// Opens the page in the user's browser, and gets it past the token: by a link that works once. The command line of a
// browser can be read by every user of the machine, so the link is in a file that only this one may read.
import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { RunningServer } from '../api/start.ts'
import { makePrivateDirectory } from '../system/private-files.ts'
import { hasDesktop, openBrowser } from './browser.ts'

export class BrowserDoor implements Disposable {
  #file: string | undefined

  constructor(
    readonly server: Pick<RunningServer, 'url' | 'ticketUrl'>,
    readonly directory: string,
  ) {}

  open(say: (line: string) => void) {
    const url = this.server.ticketUrl()
    const isSecret = url !== this.server.url
    const once = isSecret ? ' (the link works once)' : ''
    const isAsked = hasDesktop() && openBrowser(isSecret ? this.#write(url) : url)
    if (!isAsked || isSecret) say(`${isAsked ? 'if no browser opens, ' : ''}open ${url} in a browser${once}`)
  }

  #write(url: string): string {
    makePrivateDirectory(this.directory)
    this.#file = resolve(join(this.directory, `open-${process.pid}.html`))
    rmSync(this.#file, { force: true })
    const text = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${url}"><a href="${url}">pgtrek</a>\n`
    writeFileSync(this.#file, text, { mode: 0o600, flag: 'wx' })
    return this.#file
  }

  [Symbol.dispose]() {
    if (this.#file !== undefined) rmSync(this.#file, { force: true })
  }
}
