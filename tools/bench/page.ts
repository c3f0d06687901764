// `bun tools/bench/page.ts`: how long the page takes on a slow line and a slow machine, until something is painted and until
// the first question can be answered. docs/performance.md has the results.
import { Command } from 'commander'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { startBrowser } from '../browser.ts'
import { eventually } from '../eventually.ts'
import { startPageServer } from '../page-server.ts'
import { median, tableHead, tableRow } from './figures.ts'

interface Flags {
  rounds: number
  megabits: number
  latency: number
  slower: number
}

interface Visited {
  paint: number
  usable: number
  scripts: number
  all: number
}

const flags = new Command('bench-page')
  .description('the first visit of the page on a slow line and a slow machine')
  .option('--rounds <count>', 'visits of each language, each with an empty cache', Number, 5)
  .option('--megabits <number>', 'megabits per second of the line', Number, 1.6)
  .option('--latency <milliseconds>', 'of each request', Number, 150)
  .option('--slower <factor>', 'by which the CPU is slowed down', Number, 4)
  .parse()
  .opts<Flags>()

const languages = { en: 'en-GB', ja: 'ja-JP' }

await using server = await startPageServer()
const browser = await startBrowser()
const lines: string[] = []
try {
  for (const [language, locale] of Object.entries(languages)) {
    const visits: Visited[] = []
    for (let round = 0; round < flags.rounds; round++) visits.push(await visit(browser, locale))
    const of = (figure: keyof Visited) => median(visits.map((visited) => visited[figure]))
    const seconds = (figure: 'paint' | 'usable') => `${(of(figure) / 1000).toFixed(2)} s`
    const kilobytes = (figure: 'scripts' | 'all') => `${(of(figure) / 1000).toFixed(1)} kB`
    lines.push(
      tableRow([language, seconds('paint'), seconds('usable'), kilobytes('scripts'), kilobytes('all')]),
    )
  }
} finally {
  await browser.close()
}
const head = tableHead(['Language', 'First paint', 'First choice', 'Scripts', 'Everything'])
process.stdout.write(`${head}\n${lines.join('\n')}\n`)

async function visit(visitor: Browser, locale: string): Promise<Visited> {
  const context = await visitor.newContext({ locale })
  try {
    const page = await context.newPage()
    await slowDown(await context.newCDPSession(page))
    const sizes = countBytes(page)
    await page.goto(server.url)
    await page.getByRole('main').getByRole('button').first().waitFor()
    const usable = await page.evaluate(() => performance.now())
    // The browser may report it a moment later.
    const paint = await eventually('the browser to report the first paint', () =>
      page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime),
    )
    return { usable, paint, ...(await sizes()) }
  } finally {
    await context.close()
  }
}

async function slowDown(session: CDPSession) {
  const bytesPerSecond = (flags.megabits * 1_000_000) / 8
  await session.send('Network.enable')
  await session.send('Network.emulateNetworkConditions', {
    ...{ offline: false, latency: flags.latency },
    ...{ downloadThroughput: bytesPerSecond, uploadThroughput: bytesPerSecond },
  })
  await session.send('Emulation.setCPUThrottlingRate', { rate: flags.slower })
}

/** The bytes of the bodies as they were sent, thus compressed. */
function countBytes(page: Page) {
  const sizes: Promise<{ isScript: boolean; bytes: number }>[] = []
  page.on('requestfinished', (request) => {
    const isScript = new URL(request.url()).pathname.endsWith('.js')
    sizes.push(request.sizes().then(({ responseBodySize }) => ({ isScript, bytes: responseBodySize })))
  })
  return async () => {
    const counted = await Promise.all(sizes)
    const sum = (list: typeof counted) => list.reduce((total, { bytes }) => total + bytes, 0)
    return { scripts: sum(counted.filter(({ isScript }) => isScript)), all: sum(counted) }
  }
}
