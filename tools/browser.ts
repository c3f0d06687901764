// Chromium: the one of the machine, or the one inside an npm package, which needs no installation.
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import packed, { inflate } from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser']
const args = [
  '--no-sandbox',
  '--headless=shell',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--font-render-hinting=none',
]

export async function startBrowser(): Promise<Browser> {
  const own = installed.find((path) => existsSync(path))
  if (own) return await launch(own)
  const path = await packed.executablePath()
  try {
    return await launch(path)
  } catch (error) {
    if (!/shared librar/.test(String(error))) throw error
    // A machine without a browser may also lack its libraries (NSS); the package contains them in an archive.
    return await launch(path, { LD_LIBRARY_PATH: await unpackLibraries() })
  }
}

function launch(executablePath: string, environment: Record<string, string> = {}): Promise<Browser> {
  const fonts = existsSync('/etc/fonts') ? {} : { FONTCONFIG_PATH: join(tmpdir(), 'fonts') }
  return chromium.launch({ executablePath, args, env: { ...process.env, ...fonts, ...environment } })
}

async function unpackLibraries(): Promise<string> {
  const archive = join(import.meta.dir, '../node_modules/@sparticuz/chromium/bin/al2023.tar.br')
  return join(await inflate(archive), 'lib')
}
