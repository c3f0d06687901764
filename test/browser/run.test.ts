// A run that is watched: reloaded in its middle, cancelled, or only planned.
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { browser, closeBrowser } from '../support/browser.ts'
import { type Cluster, cluster, type TestDatabase } from '../support/clusters.ts'
import { type PageServer, startPageServer } from '../support/page-server.ts'
import { makeDestination, makeShop } from './shop.ts'
import {
  barriers,
  confirmAndStart,
  goToOptions,
  limitSpeed,
  nameEnds,
  shoot,
  type Visit,
  visit,
  waitForPlan,
  words,
} from './visitor.ts'

setDefaultTimeout(180_000)

const say = words.en
let directory: string
let server: PageServer
let chromium: Browser
let to: Cluster
let source: TestDatabase
let destination: TestDatabase
let visited: Visit | undefined

beforeAll(async () => {
  source = await makeShop(await cluster(14))
  to = await cluster(17)
  directory = mkdtempSync(join(tmpdir(), 'pgtrek-run-'))
  server = await startPageServer(0, directory)
  chromium = await browser()
})

afterEach(async () => {
  expect(visited?.complaints).toEqual([])
  await visited?.context.close()
})

afterAll(async () => {
  await closeBrowser()
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function planned() {
  destination = await to.createDatabase()
  visited = await visit(chromium, server.url)
  await nameEnds(visited.page, 'en', { source: source.url, destination: destination.url })
  await goToOptions(visited.page, 'en')
  return visited.page
}

test('a reload picks up where the run is, and a cancel asks first and leaves every table whole or empty', async () => {
  const page = await planned()
  await limitSpeed(page, 'en', 200_000)
  await confirmAndStart(page, 'en')
  const log = page
    .getByRole('region', { name: 'Tables' })
    .getByRole('listitem')
    .filter({ hasText: 'audit.log' })
  await log.filter({ hasText: 'Running' }).waitFor()
  await shoot(page, 'run-running')
  expect(await barriers(page)).toEqual([])

  await page.goto(server.url)
  await log.filter({ hasText: 'Running' }).waitFor()
  expect(new URL(page.url()).hash).toBe('#run')
  // The log has what was said before the reload.
  await page.getByText('reading the catalogs').waitFor()

  await page.getByRole('button', { name: say.run.cancel }).click()
  const question = page.getByRole('alertdialog', { name: say.run.cancelTitle })
  await question.waitFor()
  await shoot(page, 'run-cancel')
  expect(await barriers(page)).toEqual([])
  await question.getByRole('button', { name: say.run.cancelNo }).click()
  expect(await log.textContent()).toContain('Running')
  await page.getByRole('button', { name: say.run.cancel }).click()
  await question.getByRole('button', { name: say.run.cancelYes }).click()
  await page.getByRole('status').filter({ hasText: say.run.resultLead.cancelled }).waitFor()
  await shoot(page, 'run-cancelled')
  const [row] = await destination.sql('select count(*)::int as count from audit.log')
  expect([0, 30_000]).toContain(row?.count as number)
})

test('a dry run shows the plan as its result and writes nothing', async () => {
  const page = await planned()
  await page.getByRole('checkbox', { name: say.options.each.dryRun.label }).check()
  await waitForPlan(page, 'en')
  await page.getByRole('button', { name: say.options.startDry }).click()
  await page.getByRole('status').filter({ hasText: say.run.dryRun }).waitFor()
  await page.getByRole('heading', { name: say.options.creates }).waitFor()
  await shoot(page, 'run-dry')
  expect(await barriers(page)).toEqual([])
  expect(await destination.sql("select from pg_class where relname = 'orders'")).toEqual([])
})

test('what is destroyed by the time of the start must be what was shown', async () => {
  const page = await planned()
  await destination.sql('create table customers (id int); insert into customers values (1)')
  await page.getByRole('button', { name: say.options.start }).click()
  const refusal = page.getByRole('alert').filter({ hasText: 'customers' })
  const failed = page.getByRole('status').filter({ hasText: say.run.result.failed })
  await refusal.or(failed).first().waitFor()
  expect(await destination.sql('select id from customers')).toEqual([{ id: 1 }])
})

test('while one runs another is not started, and a lost server is said and found again', async () => {
  const page = await planned()
  await limitSpeed(page, 'en', 200_000)
  await confirmAndStart(page, 'en')
  await page.getByRole('button', { name: say.run.cancel }).waitFor()
  await page.getByRole('link', { name: say.steps.options }).click()
  await page.getByText(say.options.busy).waitFor()
  expect(await page.getByRole('button', { name: say.options.start }).isDisabled()).toBe(true)

  await page.getByRole('link', { name: new RegExp(say.steps.run) }).click()
  const { port } = new URL(server.url)
  await server.stop()
  await page.getByText(say.run.lost).waitFor()
  server = await startPageServer(Number(port), directory)
  await page.getByText(say.run.lost).waitFor({ state: 'hidden' })
  await page.getByText(say.run.nothing).waitFor()
  if (visited)
    visited.complaints = visited.complaints.filter((line) => !/WebSocket|ERR_CONNECTION/.test(line))
})

test('the failed table of a destination that refuses it stands in the list of failures', async () => {
  destination = await makeDestination(to)
  visited = await visit(chromium, server.url)
  const { page } = visited
  await nameEnds(page, 'en', { source: source.url, destination: destination.url })
  await goToOptions(page, 'en')
  await confirmAndStart(page, 'en')
  await page.getByRole('button', { name: say.run.again }).waitFor()
  await page.getByLabel(say.run.filter).selectOption('failed')
  const rows = page.getByRole('region', { name: say.run.tableList }).getByRole('listitem')
  expect(await rows.allInnerTexts()).toHaveLength(1)
  expect(await rows.textContent()).toContain('public.payments')
  await page.getByLabel(say.run.logLevel).selectOption('error')
  await page.getByRole('searchbox', { name: say.run.logSearch }).fill('payments_amount')
  expect(await page.getByRole('log').getByRole('listitem').allInnerTexts()).toHaveLength(1)
})
