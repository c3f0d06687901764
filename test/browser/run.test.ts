// A run on the page: reloaded, cancelled, or only planned.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { eventually } from '../../tools/eventually.ts'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { startProxy } from '../../tools/servers/proxy.ts'
import { browser } from '../support/browser.ts'
import { logRows, makeShop } from './shop.ts'
import {
  barriers,
  confirmAndStart,
  goToOptions,
  nameEnds,
  shoot,
  slowDown,
  visit,
  waitForPlan,
  words,
} from './visitor.ts'

const say = words.en
let directory: string
let server: PageServer
let chromium: Browser
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  source = await makeShop(await cluster(14))
  to = await cluster(17)
  directory = mkdtempSync(join(tmpdir(), 'pgtrek-run-'))
  server = await startPageServer(0, directory)
  chromium = await browser()
})

afterAll(async () => {
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function planned(url = server.url) {
  const destination = await to.createDatabase()
  const visited = await visit(chromium, url)
  await nameEnds(visited.page, 'en', { source: source.url, destination: destination.url })
  await goToOptions(visited.page, 'en')
  return { ...visited, destination }
}

type Recorded = { Notification: unknown; notified: string[] }

/** In place of the browser's notifications, which are shown outside of the page. */
async function recordNotifications(page: Page) {
  await page.evaluate(() => {
    const recorded = globalThis as unknown as Recorded
    recorded.notified = []
    recorded.Notification = class {
      static readonly requestPermission = async () => 'granted'
      constructor(title: string) {
        recorded.notified.push(title)
      }
    }
  })
}

function notifications(page: Page): Promise<string[]> {
  return page.evaluate(() => (globalThis as unknown as Recorded).notified)
}

test('a reload shows the present state of the run, and cancelling asks first and leaves every table complete or empty', async () => {
  await using visited = await planned()
  const { page, destination, complaints } = visited
  await slowDown(page, 'en')
  await confirmAndStart(page, 'en')
  const log = page
    .getByRole('region', { name: 'Tables' })
    .getByRole('listitem')
    .filter({ hasText: 'audit.log' })
  await log.filter({ hasText: 'Running' }).waitFor()
  await shoot(page, 'run-running')
  expect(await barriers(page)).toEqual([])
  expect(await page.title()).toMatch(/^\d+% · pgtrek$/)

  const points = page.locator('.curve-place')
  const drawn = async () => Number(await points.getAttribute('data-points'))
  await eventually('some points of the curve', drawn, (count) => count >= 6)
  await page.goto(server.url)
  await log.filter({ hasText: 'Running' }).waitFor()
  expect(await drawn()).toBeGreaterThanOrEqual(6)
  expect(new URL(page.url()).hash).toBe('#run')
  // The log has the lines from before the reload.
  expect(await page.getByRole('log').count()).toBe(0)
  await page.locator('summary', { hasText: say.run.log }).click()
  await page.getByText('reading the catalogs').waitFor()
  await recordNotifications(page)
  await page.getByRole('button', { name: say.repair.notify }).click()
  await page.getByText(say.repair.notifyOn).waitFor()

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
  await eventually(
    'a notification',
    () => notifications(page),
    (list) => list.length > 0,
  )
  expect(await notifications(page)).toEqual([`pgtrek: ${say.run.result.cancelled}`])
  expect(await page.title()).toBe(`${say.steps.run} · pgtrek`)
  expect(await page.locator('.overall-percent').count()).toBe(0)
  // Also for a run that is over, and in the history.
  await page.reload()
  await page.getByRole('status').filter({ hasText: say.run.resultLead.cancelled }).waitFor()
  expect(await drawn()).toBeGreaterThanOrEqual(6)
  await page.getByText(say.run.saved).getByRole('link').click()
  await page.getByText(say.history.useAgain).waitFor()
  expect(await drawn()).toBeGreaterThanOrEqual(6)
  const [row] = await destination.sql('select count(*)::int as count from audit.log')
  expect([0, logRows]).toContain(row?.count as number)
  expect(complaints).toEqual([])
})

test('a dry run shows the plan as its result and writes nothing', async () => {
  await using visited = await planned()
  const { page, destination, complaints } = visited
  await page.getByRole('checkbox', { name: say.options.each.dryRun.label }).check()
  await waitForPlan(page, 'en')
  await page.getByRole('button', { name: say.options.startDry }).click()
  await page.getByRole('heading', { name: say.run.dryRun }).waitFor()
  await page.getByRole('heading', { name: say.options.creates }).waitFor()
  await shoot(page, 'run-dry')
  await page
    .getByRole('navigation', { name: say.app.pages })
    .getByRole('link', { name: say.app.history })
    .click()
  const past = page.getByRole('table').getByRole('row').nth(1)
  await past.getByRole('cell', { name: say.history.dryRun, exact: true }).first().waitFor()
  expect(await past.textContent()).not.toContain(say.run.result.completed)
  await past.getByRole('link').click()
  await page.getByRole('heading', { name: new RegExp(`^${say.history.dryRun}`) }).waitFor()
  await page.getByRole('heading', { name: say.options.creates }).waitFor()
  expect(await page.getByRole('main').textContent()).not.toContain(say.run.status.skipped)
  expect(await barriers(page)).toEqual([])
  expect(await destination.sql("select from pg_class where relname = 'orders'")).toEqual([])
  // The same request, now for real.
  await page.goBack()
  await page.goBack()
  await page.getByRole('button', { name: say.repair.runThis }).click()
  const question = page.getByRole('alertdialog', { name: say.repair.runThisTitle })
  await question.getByRole('button', { name: say.repair.runThisYes }).click()
  await page.getByRole('status').filter({ hasText: say.run.resultLead.completed }).waitFor()
  expect(await destination.sql("select from pg_class where relname = 'orders'")).toHaveLength(1)
  expect(complaints).toEqual([])
})

test('the run is refused when it would destroy anything that was not shown', async () => {
  await using visited = await planned()
  const { page, destination, complaints } = visited
  await destination.sql('create table customers (id int); insert into customers values (1)')
  await page.getByRole('button', { name: say.options.start }).click()
  const refusal = page.getByRole('alert').filter({ hasText: 'customers' })
  const failed = page.getByRole('heading', { level: 1, name: /failed|failures/i })
  await refusal.or(failed).first().waitFor()
  expect(await destination.sql('select id from customers')).toEqual([{ id: 1 }])
  expect(complaints).toEqual([])
})

test('only one run at a time, and a lost server is reported and reconnected', async () => {
  await using first = await startPageServer(0, directory)
  const behind = { host: '127.0.0.1', port: Number(new URL(first.url).port) }
  // The proxy keeps the page's address when the second server gets another port.
  await using way = await startProxy(behind)
  await using visited = await planned(`http://127.0.0.1:${way.port}`)
  const { page } = visited
  await slowDown(page, 'en')
  await confirmAndStart(page, 'en')
  await page.getByRole('button', { name: say.run.cancel }).waitFor()
  await page.getByRole('link', { name: say.steps.plan }).click()
  await page.getByText(say.options.busy).waitFor()
  expect(await page.getByRole('button', { name: say.options.start }).isDisabled()).toBe(true)

  await page.getByRole('link', { name: new RegExp(say.steps.run) }).click()
  await first.stop()
  await page.getByText(say.app.lost).waitFor()
  await using second = await startPageServer(0, directory)
  behind.port = Number(new URL(second.url).port)
  await page.getByText(say.app.lost).waitFor({ state: 'hidden' })
  await page.getByText(say.run.nothing).waitFor()
  const isOfTheLoss = (line: string) => /WebSocket|ERR_CONNECTION|ERR_EMPTY_RESPONSE/.test(line)
  expect(visited.complaints.filter((line) => !isOfTheLoss(line))).toEqual([])
})

test('a run that copied nothing shows no percentage, no green phase and no claim of success', async () => {
  const [from, destination] = [await to.createDatabase(), await to.createDatabase()]
  await from.sql('create table t (x int); insert into t select generate_series(1, 100)')
  await destination.sql('create table t (x int check (x < 0))')
  await using visited = await visit(chromium, server.url)
  const { page, complaints } = visited
  await nameEnds(page, 'en', { source: from.url, destination: destination.url })
  await goToOptions(page, 'en')
  await confirmAndStart(page, 'en')
  await page.getByRole('heading', { name: say.run.result.completed_with_failures }).waitFor()
  await page.getByText('Complete: none of 1 table').waitFor()
  expect(await page.locator('.status-head').textContent()).not.toContain('%')
  expect(await page.getByRole('progressbar', { name: say.run.overall }).count()).toBe(0)
  const data = page
    .getByRole('region', { name: say.run.phases })
    .getByRole('listitem')
    .filter({ hasText: /^data/ })
  expect(await data.textContent()).toContain(say.run.status.failed)
  // The table itself was created, and that phase ran.
  expect(await page.locator('.phases .completed .phase-name').allTextContents()).toEqual(['tables Done'])
  expect(await barriers(page)).toEqual([])
  expect(complaints).toEqual([])
})
