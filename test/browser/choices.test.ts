// Entered and selected values: over a reload, for another source, and during a search; and addresses.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { makeShop } from './shop.ts'
import { barriers, type Visit, visit, words } from './visitor.ts'

const say = words.en
let server: PageServer
let chromium: Browser
let postgres: Cluster
let shop: TestDatabase
let visited: Visit
let page: Page

beforeAll(async () => {
  postgres = await cluster(17)
  shop = await makeShop(postgres)
  server = await startPageServer()
  chromium = await browser()
})

beforeEach(async () => {
  visited = await visit(chromium, server.url)
  page = visited.page
})

afterEach(async () => {
  expect(visited.complaints).toEqual([])
  await visited.context.close()
})

afterAll(() => server?.stop())

const end = (side: 'source' | 'destination') => page.getByRole('form', { name: say.connections[side] })
const step = (name: keyof typeof say.steps) =>
  page
    .getByRole('navigation', { name: say.app.steps })
    .getByRole('link', { name: new RegExp(say.steps[name]) })
const item = (name: string) => page.getByRole('treeitem', { name })

async function openSelection(url: string) {
  await end('source').getByLabel(say.connections.url).fill(url)
  await step('selection').click()
  await page.getByRole('tree').waitFor()
}

test('a condition belongs to its source: for another source it is listed, and used only on request', async () => {
  const other = await makeShop(postgres)
  await openSelection(shop.url)
  await item('payments').click()
  await page.getByRole('tab', { name: say.selection.tabs.rows }).click()
  const where = page.getByLabel(say.selection.where)
  await where.fill('amount > 5')
  await where.press('Tab')
  await item('payments').getByText(say.selection.someRows).waitFor()
  await page.getByText('1 table with a condition').waitFor()

  await step('connections').click()
  await end('source').getByLabel(say.connections.database).fill(other.name)
  const unused = page.getByRole('status').filter({ hasText: say.selection.unused })
  await unused.getByText('payments: where amount > 5').waitFor()
  await step('selection').click()
  await item('payments').waitFor()
  expect(await page.getByText(say.selection.someRows).count()).toBe(0)
  expect(await barriers(page)).toEqual([])
  await unused.getByRole('button', { name: say.selection.unusedUse }).click()
  await item('payments').getByText(say.selection.someRows).waitFor()
  await unused.waitFor({ state: 'detached' })

  await step('connections').click()
  await end('source').getByLabel(say.connections.database).fill(shop.name)
  await unused.getByRole('button', { name: say.selection.unusedDiscard }).click()
  await unused.waitFor({ state: 'detached' })
})

test('during a search, selecting or deselecting all applies to what was found', async () => {
  await openSelection(shop.url)
  await page.getByRole('searchbox').fill('visits_')
  await page.getByRole('button', { name: 'Deselect the 2 found' }).click()
  expect(await item('visits_2023').getAttribute('aria-checked')).toBe('false')
  await page.getByRole('searchbox').fill('')
  await item('payments').waitFor()
  expect(await item('payments').getAttribute('aria-checked')).toBe('true')
  await page.getByRole('button', { name: say.selection.nothing }).click()
  await page.getByRole('searchbox').fill('payments')
  await page.getByRole('button', { name: 'Select the 1 found', exact: true }).click()
  await page.getByText('1 table, about 500 rows').waitFor()
  await page.getByRole('searchbox').fill('no such name')
  expect(await page.getByRole('button', { name: 'Select the 0 found', exact: true }).isDisabled()).toBe(true)
})

test('a reload keeps what was entered and selected in this tab, without passwords', async () => {
  const secret = 'never-in-storage'
  const withPassword = new URL(shop.url)
  withPassword.password = secret
  await openSelection(withPassword.href)
  await item('payments').locator('[data-part=check]').click()
  await page.reload()
  await page.getByText('The password of the source was not kept').waitFor()
  await page.getByText('Earlier selection: ').waitFor()
  expect(
    await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }])),
  ).not.toContain(secret)
  await step('connections').click()
  await end('source').getByText(say.connections.passwordLost).waitFor()
  expect(await end('source').getByLabel(say.connections.database).inputValue()).toBe(shop.name)
  expect(await barriers(page)).toEqual([])
  await end('source').getByLabel(say.connections.password, { exact: true }).fill('again')
  await end('source').getByText(say.connections.passwordLost).waitFor({ state: 'detached' })
  // Another tab does not have it.
  const tab = await visited.context.newPage()
  await tab.goto(`${server.url}/#connections`)
  const field = tab.getByRole('form', { name: say.connections.source }).getByLabel(say.connections.url)
  await field.waitFor()
  expect(await field.inputValue()).toBe('')
})

test('an address with a slash opens its page, and an unknown address shows that there is no such page', async () => {
  for (const [hash, text] of [
    ['#/fleet', say.fleet.none],
    ['#/history', say.history.title],
    ['#nowhere', say.app.notFound],
  ] as const) {
    await page.goto(`${server.url}/${hash}`)
    await page.getByRole('heading', { name: text }).waitFor()
  }
})

test('connections given at the start are filled in without their password, which is used nevertheless', async () => {
  const named = new URL(shop.url)
  named.password = 'of-the-owner'
  await using started = await startPageServer(0, undefined, ['--source', named.href])
  const answer = await fetch(`${started.url}/api/named`)
  const text = await answer.text()
  expect(text).not.toContain('of-the-owner')
  expect(JSON.parse(text)).toMatchObject({ source: { password: true }, destination: null })
  await page.goto(`${started.url}/#connections`)
  await end('source').getByText(say.connections.passwordOwn).waitFor()
  expect(await end('source').getByLabel(say.connections.database).inputValue()).toBe(shop.name)
  expect(await end('source').getByLabel(say.connections.password, { exact: true }).inputValue()).toBe('')
  await end('source').getByRole('button', { name: say.connections.test }).click()
  await end('source').getByText('PostgreSQL 17').waitFor()
})
