// All steps of the page, in both languages, between servers of different versions, with a table that fails.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { inJapanese } from '../../client/i18n/messages/index.ja.ts'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { makeDestination, makeShop, orderRows } from './shop.ts'
import { nameEnds, stepCheck, visit, waitForPlan, words } from './visitor.ts'

let server: PageServer
let chromium: Browser
let source: TestDatabase
let makeEmpty: () => Promise<TestDatabase>

beforeAll(async () => {
  const [from, to] = [await cluster(14), await cluster(17)]
  source = await makeShop(from)
  makeEmpty = () => makeDestination(to)
  server = await startPageServer()
  chromium = await browser()
})

afterAll(() => server?.stop())

test.each([
  { language: 'en', width: 1280, dark: false },
  { language: 'ja', width: 820, dark: true },
] as const)('four steps, a retry, the history and the help: $language, $width wide', async (look) => {
  const { language } = look
  const say = words[language]
  const destination = await makeEmpty()
  const { page, context, complaints } = await visit(chromium, server.url, look)
  const check = stepCheck(page, 'journey', language)
  // The strings of the language are loaded after the page.
  await page.locator(`html[lang=${language}]`).waitFor({ state: 'attached' })

  await nameEnds(page, language, { source: source.url, destination: destination.url })
  await check('1-connections')

  await page.getByRole('button', { name: say.app.next }).click()
  const orders = page.getByRole('treeitem', { name: /^orders/ }).first()
  await orders.click()
  await page.getByRole('tab', { name: say.selection.tabs.rows }).click()
  await page.getByRole('region', { name: say.selection.sampleTitle }).getByRole('row').nth(5).waitFor()
  await page.locator('.condition-count', { hasText: language === 'en' ? '5,000 rows' : '5,000 行' }).waitFor()
  // A view without its table is reported immediately, and fixed with one click.
  await orders.locator('[data-part=check]').click()
  const missing = page
    .getByRole('status')
    .filter({ hasText: language === 'en' ? 'required but' : '必要なのに' })
  await missing.locator('summary').click()
  await missing
    .getByRole('listitem')
    .filter({ hasText: /public\.orders.*public\.big_orders/ })
    .waitFor()
  await check('2-selection')
  await page.getByRole('button', { name: say.selection.selectRequired }).click()
  await page.getByRole('button', { name: say.app.next }).click()

  await waitForPlan(page, language)
  const destroyed = page.getByRole('region', { name: say.options.destroyed })
  expect(await destroyed.textContent()).toContain('public.customers')
  const start = page.getByRole('button', { name: say.options.start })
  expect(await start.isDisabled()).toBe(true)
  await check('3-options')
  await destroyed.getByRole('checkbox').check()
  await start.click()

  await page.getByRole('heading', { name: say.run.result.completed_with_failures }).waitFor()
  const failures = page.getByRole('region').filter({ hasText: say.repair.causesLead })
  expect(await failures.textContent()).toContain('violates check constraint "payments_amount_check"')
  expect(await failures.textContent()).toContain('Failing row contains')
  await check('4-run')
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: say.run.save }).click(),
  ])
  const summary = await Bun.file(await saved.path()).json()
  expect(summary.failed.map(({ name }: { name: string }) => name)).toEqual(['payments'])
  expect(await destination.sql('select count(*)::int as count from orders')).toEqual([{ count: orderRows }])
  expect(await destination.sql('select count(*)::int as count from payments')).toEqual([{ count: 0 }])

  // Only the failed table, and only its part of the log.
  await page.getByLabel(say.run.filter).selectOption('failed')
  const tables = page.getByRole('region', { name: say.run.tableList }).getByRole('listitem')
  expect(await tables.allInnerTexts()).toHaveLength(1)
  expect(await tables.textContent()).toContain('public.payments')
  await page.locator('summary', { hasText: say.run.log }).click()
  await page.getByLabel(say.run.logLevel).selectOption('error')
  await page.getByRole('searchbox', { name: say.run.logSearch }).fill('payments_amount')
  expect(await page.getByRole('log').getByRole('listitem').allInnerTexts()).toHaveLength(1)

  await page.getByRole('button', { name: say.run.again }).click()
  await waitForPlan(page, language)
  // Only that table.
  expect(await page.locator('.plan-sum').textContent()).toMatch(/^(1 table,|1 テーブル)/)
  // Back at the run, the destination is repaired: the statement is shown before it runs.
  await page.getByRole('link', { name: new RegExp(say.steps.run) }).click()
  await page.getByRole('button', { name: say.repair.look }).click()
  await page.getByRole('radio', { name: say.repair.kind['drop constraint'] }).check()
  await check('4-repair')
  await page.getByRole('button', { name: say.repair.apply }).click()
  const question = page.getByRole('alertdialog', { name: say.repair.applyTitle })
  expect(await question.textContent()).toContain(
    'ALTER TABLE "public"."payments" DROP CONSTRAINT "payments_amount_check";',
  )
  await check('4-repair-question')
  await question.getByRole('button', { name: say.repair.applyYes }).click()
  await page.getByRole('status').filter({ hasText: say.run.resultLead.completed }).waitFor()
  await page.getByText(say.repair.retryOf).waitFor()
  expect(await destination.sql('select count(*)::int as count from payments')).toEqual([{ count: 500 }])

  const pages = page.getByRole('navigation', { name: say.app.pages })
  await pages.getByRole('link', { name: say.app.history }).click()
  const rows = page.getByRole('table').getByRole('row')
  expect(await rows.nth(1).textContent()).toContain(say.run.result.completed)
  expect(await rows.nth(2).textContent()).toContain(say.run.result.completed_with_failures)
  // With the tables of the run that it has resumed.
  expect(await rows.nth(1).textContent()).toContain(
    say.history.whole.replace('{{tables}}', '6').replace('{{rows}}', '41,000'),
  )
  await page.getByLabel(say.history.outcome).selectOption('bad')
  await page.locator('.status-completed').first().waitFor({ state: 'detached' })
  expect(await rows.nth(1).textContent()).toContain(say.run.result.completed_with_failures)
  await page.getByLabel(say.history.outcome).selectOption('all')
  await check('5-history')
  await rows.nth(2).getByRole('link').click()
  await page.locator('summary', { hasText: say.run.log }).click()
  const begun = 'reading the catalogs'
  await page
    .getByRole('log')
    .getByText(language === 'ja' ? inJapanese(begun) : begun)
    .waitFor()
  await page.getByRole('log').getByText('payments_amount_check').waitFor()
  await check('6-past')

  await pages.getByRole('link', { name: say.app.help }).click()
  await page.getByRole('heading', { name: say.help.options }).waitFor()
  expect(await page.getByRole('main').textContent()).toContain(say.options.each.existingDataMode.help)
  await check('7-help')
  expect(new URL(page.url()).pathname).toBe('/help')
  await page.reload()
  await page.getByRole('heading', { name: say.help.options }).waitFor()

  expect(complaints).toEqual([])
  await context.close()
})
