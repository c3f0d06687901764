// `npm run screenshots`: makes the pictures of the README from migrations of the demo's shop by the real command and
// the real page. The two servers listen on 5432 and 5433, which must be free: the addresses are in the pictures.
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { en } from '../client/i18n/en.ts'
import { messageOf } from '../shared/message-of.ts'
import { startBrowser } from '../tools/browser.ts'
import { cleanEnvironment } from '../tools/command.ts'
import { fillShop, startShopServers } from '../tools/demo/shop.ts'
import { linesOf, svgOf } from '../tools/demo/terminal-picture.ts'
import { startPageServer } from '../tools/page-server.ts'
import { program } from '../tools/program.ts'
import { stopAllClusters, type TestDatabase } from '../tools/servers/clusters.ts'
import { scratchDirectory } from '../tools/servers/scratch.ts'

const images = join(import.meta.dir, '../docs/images')
const columns = 100
const mostBytes = 120_000
const frameEnd = '\x1b[?2026l'

try {
  mkdirSync(images, { recursive: true })
  const { source, destination, emptyDestination } = await startShopServers({
    source: 5432,
    destination: 5433,
  })
  await fillShop(source)
  save('terminal.svg', await terminalPicture(source, destination))
  await emptyDestination()
  save('page.webp', await pagePicture(source, destination))
} catch (error) {
  process.stderr.write(`The pictures could not be made: ${messageOf(error)}\n`)
  process.exitCode = 1
} finally {
  await stopAllClusters()
}

/** `pgtrek clone` when about half is done. */
async function terminalPicture(source: TestDatabase, destination: TestDatabase): Promise<string> {
  let output = ''
  const decoder = new TextDecoder()
  const child = Bun.spawn([...program, 'clone'], {
    cwd: scratchDirectory(),
    env: cleanEnvironment({
      TERM: 'xterm-256color',
      PGTREK_SOURCE: source.url,
      PGTREK_DEST: destination.url,
    }),
    terminal: {
      cols: columns,
      rows: 40,
      data(_, bytes) {
        output += decoder.decode(bytes, { stream: true })
      },
    },
  })
  const code = await child.exited
  child.terminal?.close()
  if (code !== 0) throw new Error(`pgtrek clone ended with exit code ${code}:\n${output}`)
  const frames = output.split(frameEnd).slice(0, -1)
  const states = frames.map((_, index) => linesOf(frames.slice(0, index + 1).join(frameEnd) + frameEnd))
  const best = states
    .filter((lines) => Number.isFinite(distanceFromHalf(lines)))
    .sort((one, other) => distanceFromHalf(one) - distanceFromHalf(other))[0]
  if (!best) throw new Error(`pgtrek clone showed no progress:\n${output}`)
  while (best.at(-1)?.length === 0) best.pop()
  return svgOf([...linesOf('\x1b[2m$\x1b[22m pgtrek clone'), ...best], 'pgtrek clone in a terminal', columns)
}

/** For a state in which rows are being copied; other states are far from half. */
function distanceFromHalf(lines: ReturnType<typeof linesOf>): number {
  const texts = lines.map((line) => line.map(({ text }) => text).join(''))
  const percent = texts.map((text) => /^ *(\d+)% /.exec(text)?.[1]).find((found) => found !== undefined)
  const isCopying = texts.some((text) => /^ {2}\S.*━.*% .*rows/.test(text))
  return percent && isCopying ? Math.abs(Number(percent) - 50) : Number.POSITIVE_INFINITY
}

/** The page's last step when about half is done. */
async function pagePicture(source: TestDatabase, destination: TestDatabase): Promise<Uint8Array> {
  await using server = await startPageServer()
  const browser = await startBrowser()
  try {
    const page = await browser.newPage({
      locale: 'en-GB',
      viewport: { width: 1100, height: 1120 },
      reducedMotion: 'reduce',
    })
    await page.goto(`${server.url}/#connections`)
    for (const [side, { url }] of [
      [en.connections.source, source],
      [en.connections.destination, destination],
    ] as const) {
      const form = page.getByRole('form', { name: side })
      await form.getByLabel(en.connections.url).fill(url)
      await form.getByRole('button', { name: en.connections.test }).click()
      await form.getByText('PostgreSQL 1').waitFor()
    }
    await page.getByRole('button', { name: en.app.next }).click()
    await page.getByRole('tree').waitFor()
    await page.getByRole('button', { name: en.app.next }).click()
    await page.getByText(en.options.planFresh, { exact: true }).waitFor()
    await page.getByRole('button', { name: en.options.start }).click()
    await page.locator('.overall-percent', { hasText: /^[3-8]\d/ }).waitFor()
    // Without the scroll bar.
    const png = await page.screenshot({ clip: { x: 0, y: 0, width: 1085, height: 1120 } })
    return await webpOf(png, await browser.newPage())
  } finally {
    await browser.close()
  }
}

/** Half the size of PNG. */
async function webpOf(png: Buffer, page: Page): Promise<Uint8Array> {
  const url: unknown = await page.evaluate(`(async () => {
    const image = new Image()
    image.src = 'data:image/png;base64,${png.toString('base64')}'
    await image.decode()
    const canvas = new OffscreenCanvas(image.width, image.height)
    canvas.getContext('2d').drawImage(image, 0, 0)
    const bytes = await (await canvas.convertToBlob({ type: 'image/webp', quality: 0.9 })).arrayBuffer()
    return new Uint8Array(bytes).toBase64()
  })()`)
  return Uint8Array.fromBase64(String(url))
}

function save(name: string, content: string | Uint8Array) {
  const path = join(images, name)
  writeFileSync(path, content)
  const { size } = statSync(path)
  if (size > mostBytes) throw new Error(`${name} has ${size} bytes, ${mostBytes} at most`)
  process.stdout.write(`${name}: ${Math.round(size / 1000)} kB\n`)
}
