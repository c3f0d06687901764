// The selection: tree and details in one window, typing, filters, and conditions with what they keep and break.
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import type { Browser, Locator, Page } from 'playwright-core'
import { eventually } from '../../tools/eventually.ts'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { makeShop } from './shop.ts'
import { type Language, stepCheck, type Visit, visit, words } from './visitor.ts'

let server: PageServer
let chromium: Browser
let shop: TestDatabase
let visited: Visit

beforeAll(async () => {
  shop = await makeShop(await cluster(17))
  await shop.sql(`
    create table notes (line text, long text);
    insert into notes select 'n' || i, repeat('long ', 60) from generate_series(1, 30) i;
    comment on table customers is 'Everyone who has ordered';
    comment on column customers.since is 'First order';
    analyze notes`)
  server = await startPageServer()
  chromium = await browser()
})

afterEach(async () => {
  expect(visited.complaints).toEqual([])
  await visited.context.close()
})

afterAll(() => server?.stop())

async function openSelection(language: Language, look: { width: number; dark?: boolean }): Promise<Page> {
  visited = await visit(chromium, server.url, { language, ...look })
  const { page } = visited
  const say = words[language]
  const source = page.getByRole('form', { name: say.connections.source })
  await source.getByLabel(say.connections.url).fill(shop.url)
  await page
    .getByRole('navigation', { name: say.app.steps })
    .getByRole('link', { name: new RegExp(say.steps.selection) })
    .click()
  await page.getByRole('tree').waitFor()
  return page
}

const item = (page: Page, name: string) => page.getByRole('treeitem', { name }).first()
const inView = (locator: Locator) =>
  locator.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect()
    return top >= 0 && bottom <= innerHeight
  })

test.each([
  { language: 'en', width: 1440, dark: false },
  { language: 'ja', width: 900, dark: true },
] as const)(
  'a condition shows what it keeps, what it breaks, and how to keep that whole: $language',
  async (look) => {
    const { language } = look
    const say = words[language].selection
    const page = await openSelection(language, look)
    const check = stepCheck(page, 'selection', language)
    // The window is filled: the tree scrolls, and the foot is always in view.
    expect(
      await page.evaluate(() => document.documentElement.scrollHeight - innerHeight),
    ).toBeLessThanOrEqual(0)
    expect(await inView(page.getByRole('button', { name: words[language].app.next }))).toBe(true)

    await item(page, 'customers').click()
    await page.getByText('First order').waitFor()
    await page.getByText('Everyone who has ordered').waitFor()
    await check('1-columns')
    await page.getByRole('tab', { name: say.tabs.keys }).click()
    await page.getByRole('button', { name: 'public.orders' }).click()
    await page.getByRole('heading', { name: 'public.orders' }).waitFor()
    await check('2-keys')
    await page.getByRole('button', { name: 'public.customers' }).click()
    await page.getByRole('heading', { name: 'public.customers' }).waitFor()

    await page.getByRole('tab', { name: say.tabs.rows }).click()
    const where = page.getByLabel(say.where)
    await where.fill('id <= 100 and nothing > 3')
    await page.getByText('column "nothing" does not exist').waitFor()
    expect(await where.getAttribute('aria-invalid')).toBe('true')
    expect(await page.locator('.wrong').textContent()).toContain('15')
    await check('3-error')
    await where.fill('id <= 100')
    await page.getByText(language === 'en' ? '100 rows, of about 500' : '約 500 行のうち 100 行').waitFor()
    await item(page, 'customers').getByText(say.someRows).waitFor()
    // Customer 1 + i % 500 of 5,000 orders: 1,000 orders are of the first 100.
    const broken = page.getByRole('group').filter({ hasText: 'orders_customer_fkey' })
    expect(await broken.textContent()).toContain('4,000')
    await check('4-broken')
    await broken.getByRole('button').click()
    await page.getByText(say.breaks.fine).waitFor()
    await item(page, 'orders').getByText(say.someRows).waitFor()
    await item(page, 'orders').click()
    await page
      .getByText(language === 'en' ? '1,000 rows, of about 5,000' : '約 5,000 行のうち 1,000 行')
      .waitFor()
    await check('5-orders')

    await page.getByLabel(say.filter).selectOption('condition')
    await eventually(
      'the tables with a condition',
      () => page.getByRole('treeitem', { level: 3 }).allInnerTexts(),
      (texts) => texts.length === 2,
    )
    await page.getByLabel(say.filter).selectOption('noKey')
    await item(page, 'notes').waitFor()
    expect(await page.getByRole('treeitem', { name: 'payments' }).count()).toBe(0)
    await item(page, 'notes').click()
    await page.getByRole('region', { name: say.sampleTitle }).getByRole('button').first().focus()
    await check('6-values')
  },
)

test('typing moves to the next line that starts with it', async () => {
  const page = await openSelection('en', { width: 1280 })
  const active = () =>
    page.evaluate(() => {
      const id = document.querySelector('[role=tree]')?.getAttribute('aria-activedescendant')
      return document.getElementById(id ?? '')?.querySelector('.tree-name')?.textContent
    })
  await page.getByRole('tree').focus()
  await page.keyboard.press('p')
  expect(await active()).toBe('public')
  await page.keyboard.press('a')
  expect(await active()).toBe('payments')
})

test('in a narrow window the details cover the tree, with a way back', async () => {
  const say = words.en.selection
  const page = await openSelection('en', { width: 390 })
  const check = stepCheck(page, 'selection-narrow', 'en', true)
  await check('1-tree')
  await item(page, 'orders').click()
  await page.getByRole('heading', { name: 'public.orders' }).waitFor()
  expect(await page.getByRole('tree').isVisible()).toBe(false)
  await page.getByRole('tab', { name: say.tabs.rows }).click()
  await page.locator('.condition-count', { hasText: '5,000 rows' }).waitFor()
  await check('2-details')
  await page.getByRole('button', { name: say.back }).click()
  expect(await page.getByRole('tree').isVisible()).toBe(true)
  expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('tree')
})
