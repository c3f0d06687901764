// What a visitor with a slow line loads first: few scripts, and something to see before any of them.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { startBrowser } from '../../tools/browser.ts'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Language, visit, words } from './visitor.ts'

/** Compressed, with the language. At 1.6 megabits per second this is less than half a second. */
const mostScriptBytes = 90_000

let browser: Browser
let server: PageServer

beforeAll(async () => {
  ;[browser, server] = await Promise.all([startBrowser(), startPageServer()])
})

afterAll(async () => {
  await browser.close()
  await server.stop()
})

test.each(['en', 'ja'] as const)('the scripts of the first screen are small (%s)', async (language) => {
  await using context = await browser.newContext({ locale: language === 'ja' ? 'ja-JP' : 'en-GB' })
  const page = await context.newPage()
  const scripts: Promise<{ file: string; bytes: number }>[] = []
  page.on('requestfinished', (request) => {
    const file = new URL(request.url()).pathname
    if (file.endsWith('.js'))
      scripts.push(request.sizes().then(({ responseBodySize: bytes }) => ({ file, bytes })))
  })
  await page.goto(server.url)
  await page.getByRole('heading', { name: words[language].start.title }).waitFor()
  await page.waitForLoadState('networkidle')
  const loaded = await Promise.all(scripts)
  const other: Language = language === 'en' ? 'ja' : 'en'
  const files = loaded.map(({ file }) => file)
  expect(files.filter((file) => file.startsWith(`/assets/${language}-`)).length).toBe(1)
  expect(files.filter((file) => file.startsWith(`/assets/${other}-`))).toEqual([])
  const bytes = loaded.reduce((sum, one) => sum + one.bytes, 0)
  expect(bytes).toBeGreaterThan(10_000)
  const largest = loaded.toSorted((one, next) => next.bytes - one.bytes)
  expect({ bytes, fits: bytes <= mostScriptBytes, largest }).toEqual({ bytes, fits: true, largest })
})

test('the page is painted in the chosen theme before its scripts are there', async () => {
  await using visited = await visit(browser, `${server.url}/#`, { dark: false })
  const { page, context } = visited
  await page.getByRole('heading', { name: words.en.start.title }).waitFor()
  await page.getByLabel(words.en.app.theme).selectOption('dark')
  const slow = await context.newPage()
  const held = Promise.withResolvers<void>()
  await slow.route('**/assets/*.js', async (route) => {
    await held.promise
    await route.continue()
  })
  await slow.goto(server.url, { waitUntil: 'commit' })
  await slow.getByText('pgtrek', { exact: true }).waitFor()
  expect(await slow.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
  held.resolve()
  await slow.getByRole('heading', { name: words.en.start.title }).waitFor()
  expect(await slow.locator('.top-bar').count()).toBe(1)
  expect(visited.complaints).toEqual([])
})
