// The start page, the steps of each purpose, keyboard shortcuts, and the loss of the server.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { browser } from '../support/browser.ts'
import { stepCheck, visit, words } from './visitor.ts'

let server: PageServer
let chromium: Browser

beforeAll(async () => {
  server = await startPageServer()
  chromium = await browser()
})

afterAll(() => server?.stop())

test.each([
  { language: 'en', width: 1440, dark: false },
  { language: 'ja', width: 390, dark: true },
] as const)(
  'the first question, and the steps that follow from its answer: $language, $width wide',
  async (look) => {
    const say = words[look.language]
    await using visited = await visit(chromium, `${server.url}/#`, look)
    const { page, complaints } = visited
    const check = stepCheck(page, 'start', look.language, true)
    await page.getByRole('heading', { name: say.start.title }).waitFor()
    await page.getByText(say.start.nothing).waitFor()
    await check('1-question')

    const steps = page.getByRole('navigation', { name: say.app.steps })
    const last = {
      copy: 'run',
      sync: 'follow',
      compare: 'compare',
      schema: 'schema',
      refresh: 'schedules',
    } as const
    for (const [purpose, place] of Object.entries(last) as [
      keyof typeof last,
      (typeof last)[keyof typeof last],
    ][]) {
      await page.getByRole('button', { name: say.start.purpose[purpose] }).click()
      await page.getByRole('heading', { name: say.connections.title }).waitFor()
      const links = steps.getByRole('listitem')
      expect(await links.last().textContent()).toContain(say.steps[place])
      await page.goBack()
      await page.getByRole('heading', { name: say.start.title }).waitFor()
    }

    // A reload keeps the answer.
    await page.getByRole('button', { name: say.start.purpose.sync }).click()
    await page.reload()
    await steps.getByText(say.steps.follow).waitFor()
    expect(complaints).toEqual([])
  },
)

test('keyboard shortcuts lead to pages, can be switched off, and do nothing while text is entered', async () => {
  const say = words.en
  await using visited = await visit(chromium, server.url)
  const { page, complaints } = visited
  await page.getByRole('heading', { name: say.connections.title }).waitFor()
  const url = page.getByRole('form', { name: say.connections.source }).getByLabel(say.connections.url)
  await url.fill('')
  await url.pressSequentially('?gh')
  expect(await url.inputValue()).toBe('?gh')
  await url.fill('')
  await url.blur()

  await page.keyboard.press('?')
  const sheet = page.getByRole('alertdialog', { name: say.shortcuts.title })
  await sheet.waitFor()
  await sheet.getByRole('checkbox').uncheck()
  await page.keyboard.press('Escape')
  await sheet.waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  await page.keyboard.press('h')
  expect(new URL(page.url()).hash).toBe('#connections')

  await page.getByRole('button', { name: say.shortcuts.open }).click()
  await sheet.getByRole('checkbox').check()
  await sheet.getByRole('button', { name: say.app.close }).click()
  await sheet.waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  await page.keyboard.press('h')
  await page.getByRole('heading', { name: say.history.title }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('s')
  await page.getByRole('heading', { name: say.start.title }).waitFor()
  expect(complaints).toEqual([])
})

test('every page shows when pgtrek cannot be reached, and a part that was not loaded can be asked for again', async () => {
  const say = words.en
  await using started = await startPageServer()
  await using visited = await visit(chromium, `${started.url}/#`)
  const { page } = visited
  await page.getByRole('heading', { name: say.start.title }).waitFor()
  await page.route(/\/assets\/help-/, (route) => route.abort())
  await page.getByRole('link', { name: say.app.help }).click()
  await page.getByText(say.app.partNotLoaded).waitFor()
  await page.unroute(/\/assets\/help-/)
  await page.getByRole('button', { name: say.app.reload }).click()
  await page.locator('main .help').first().waitFor()
  await page.getByText(say.app.partNotLoaded).waitFor({ state: 'detached' })
  await started.stop()
  await page.getByText(say.app.lost).waitFor()
})
