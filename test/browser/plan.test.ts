// The plan's page: what an option changes, the statements of an object, fixes of warnings, the estimate, many tables.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { isLong } from '../../tools/long.ts'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { makeDestination, makeShop } from './shop.ts'
import {
  barriers,
  goToOptions,
  type Language,
  nameEnds,
  overflow,
  shoot,
  stepCheck,
  visit,
  waitForPlan,
  words,
} from './visitor.ts'

let server: PageServer
let chromium: Browser
let from: Cluster
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  ;[from, to] = [await cluster(14), await cluster(17)]
  source = await makeShop(from)
  server = await startPageServer()
  chromium = await browser()
})

afterAll(() => server?.stop())

const filled = (text: string, values: Record<string, string | number>) =>
  text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name]))

const objects = (page: Page, language: Language) =>
  page.getByRole('region', { name: words[language].plan.objects, exact: true }).last()
const line = (page: Page, language: Language, name: string) =>
  objects(page, language).getByRole('button', { name: new RegExp(`${name.replace('.', '\\.')}(\\s|$)`) })

test.each([
  { language: 'en', width: 1440, dark: false },
  { language: 'ja', width: 900, dark: true },
] as const)('an option, its effect on the plan, and the statements: $language', async (look) => {
  const { language } = look
  const say = words[language]
  const destination = await makeDestination(to)
  const { page, context, complaints } = await visit(chromium, server.url, look)
  const check = stepCheck(page, 'plan', language)
  await nameEnds(page, language, { source: source.url, destination: destination.url })
  await goToOptions(page, language)

  const customers = line(page, language, 'public.customers')
  expect(await customers.textContent()).toContain(say.plan.actions.empty)
  const bar = page.getByRole('region', { name: say.plan.start, exact: true })
  const what = bar.getByText(filled(say.plan.what.empties, { count: 2 }))
  await what.waitFor()
  // The list to confirm is directly above the start.
  await bar.getByRole('button', { name: say.plan.toConfirm }).click()
  const agree = page.getByRole('region', { name: say.options.destroyed }).getByRole('checkbox')
  expect(await agree.evaluate((box) => box === document.activeElement)).toBe(true)
  await check('1-plan')

  const rows = page.getByLabel(say.options.each.existingDataMode.label, { exact: true })
  await rows.selectOption('append')
  const announced = page.getByRole('status').filter({
    hasText: filled(say.plan.changes.notEmptied, { count: 2 }),
  })
  await announced.waitFor()
  await waitForPlan(page, language)
  expect(await customers.textContent()).toContain(filled(say.plan.was, { action: say.plan.actions.empty }))
  expect(await customers.textContent()).toContain(say.plan.actions.append)
  expect(await what.count()).toBe(0)
  await check('2-changed')

  await customers.click()
  const statements = page.getByRole('region', {
    name: filled(say.plan.sqlOf, { object: '' }).trim(),
  })
  await statements.getByText('on conflict do nothing').first().waitFor()
  expect(await customers.getAttribute('aria-expanded')).toBe('true')
  await statements.getByRole('button', { name: say.plan.copySql }).waitFor()
  await check('3-statements')
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: say.plan.saveSql }).click(),
  ])
  const sql = await Bun.file(await saved.path()).text()
  expect(sql).toContain('CREATE TABLE public.orders')
  expect(sql).toContain('CREATE VIEW public.big_orders')

  // The option is marked, and reset alone.
  await page
    .getByRole('button', {
      name: filled(say.plan.resetOption, { option: say.options.each.existingDataMode.label }),
    })
    .click()
  await page
    .getByRole('status')
    .filter({ hasText: filled(say.plan.changes.emptied, { count: 2 }) })
    .waitFor()
  expect(await rows.inputValue()).toBe('truncate')
  await waitForPlan(page, language)
  await page.getByRole('searchbox', { name: say.plan.searchOptions }).fill('owner')
  await page.getByRole('checkbox', { name: say.options.each.owner.label }).waitFor()
  expect(await page.getByLabel(say.options.each.existingDataMode.label, { exact: true }).count()).toBe(0)

  await page.getByRole('searchbox', { name: say.plan.searchObjects }).fill('audit')
  await page
    .getByText(filled(say.plan.shown, { count: 3, of: 18 }))
    .or(line(page, language, 'audit.log'))
    .first()
    .waitFor()
  expect(await line(page, language, 'public.customers').count()).toBe(0)
  expect(complaints).toEqual([])
  await context.close()
})

test('a warning is removed by the option that its button sets', async () => {
  const say = words.en
  const role = `only_there_${crypto.randomUUID().slice(0, 8)}`
  const owned = await from.createDatabase()
  await owned.sql(`create role ${role}; create table t (id int); alter table t owner to ${role}`)
  try {
    const destination = await to.createDatabase()
    const { page, context, complaints } = await visit(chromium, server.url)
    await nameEnds(page, 'en', { source: owned.url, destination: destination.url })
    await goToOptions(page, 'en')
    const warnings = page.getByRole('region', { name: say.plan.warnings })
    await warnings.getByText(`role "${role}" does not exist`).waitFor()
    await shoot(page, 'plan-warnings')
    expect(await barriers(page)).toEqual([])
    await warnings.getByRole('button', { name: filled(say.plan.fixOff, { option: 'Owners' }) }).click()
    await waitForPlan(page, 'en')
    await warnings.getByRole('button', { name: filled(say.plan.fixOff, { option: 'Grants' }) }).click()
    await waitForPlan(page, 'en')
    await page.getByText(say.options.noWarnings).waitFor()
    await page.getByText(filled(say.plan.changedCount, { count: 2 })).waitFor()
    expect(complaints).toEqual([])
    await context.close()
  } finally {
    await owned.sql(`drop table t; drop role ${role}`)
  }
})

test('an estimate that fails leaves the plan usable, and can be repeated', async () => {
  const say = words.en
  const { page, context } = await visit(chromium, server.url)
  let failing = true
  await page.route('**/api/plan/sample', (route) =>
    failing
      ? route.fulfill({ status: 400, json: { error: 'database', message: 'canceling statement' } })
      : route.continue(),
  )
  await nameEnds(page, 'en', { source: source.url, destination: (await to.createDatabase()).url })
  await goToOptions(page, 'en')
  await page.getByText(say.plan.estimate.failed).waitFor()
  expect(await page.getByRole('button', { name: say.options.start }).isEnabled()).toBe(true)
  expect(await barriers(page)).toEqual([])
  failing = false
  await page.getByRole('button', { name: say.plan.estimate.again }).click()
  await page.getByText(say.plan.estimate.how).click()
  await page.getByText('COPY of audit.log sent').waitFor()
  await context.close()
})

test('what a run would be refused for is at the top, with a link to the checks', async () => {
  const say = words.en
  const { page, context, complaints } = await visit(chromium, server.url)
  await page.route('**/api/plan?*', async (route) => {
    const response = await route.fetch()
    const plan = await response.json()
    await route.fulfill({
      response,
      json: { ...plan, warnings: ['a run would be refused: Disk space: 3 GB are missing', ...plan.warnings] },
    })
  })
  await nameEnds(page, 'en', { source: source.url, destination: (await to.createDatabase()).url })
  await goToOptions(page, 'en')
  const blockers = page.getByRole('group').filter({ hasText: say.plan.blockers })
  expect(await blockers.textContent()).toContain('Disk space: 3 GB are missing')
  await page.getByText(say.options.noWarnings).waitFor()
  await shoot(page, 'plan-blockers')
  expect(await barriers(page)).toEqual([])
  await blockers.getByRole('link', { name: say.plan.toChecks }).click()
  await page.getByRole('form', { name: say.connections.source }).waitFor()
  expect(complaints).toEqual([])
  await context.close()
})

const looks = [390, 900, 1440].flatMap((width) => [
  { width, dark: false },
  { width, dark: true },
])

test.each(isLong ? looks : [{ width: 390, dark: true }])('nothing is cut off or hidden: %o', async (look) => {
  const destination = await makeDestination(to)
  await destination.sql(
    `create table "a table with a name that is as long as a name of an object can be" (id int)`,
  )
  const { page, context, complaints } = await visit(chromium, server.url, look)
  await nameEnds(page, 'en', { source: source.url, destination: destination.url })
  await goToOptions(page, 'en')
  await page.getByLabel(words.en.options.each.existingTableMode.label, { exact: true }).selectOption('drop')
  await page.getByText('objects will now be dropped').waitFor()
  await waitForPlan(page, 'en')
  await line(page, 'en', 'public.customers').click()
  await page.getByText('drop table if exists public.customers cascade').waitFor()
  await shoot(page, `plan-${look.width}-${look.dark ? 'dark' : 'light'}`)
  expect({ wider: await overflow(page), barriers: await barriers(page) }).toEqual({ wider: 0, barriers: [] })
  expect(complaints).toEqual([])
  await context.close()
})

test('3,000 tables: a small answer, few lines in the document, all of them reachable', async () => {
  const say = words.en
  const tables = 3_000
  const nameOf = (number: number) => `t_${String(number).padStart(5, '0')}`
  const [many, destination] = [await from.createDatabase(), await to.createDatabase()]
  const batch = 1_000
  for (let first = 1; first <= tables; first += batch) {
    await many.sql(`do $$ begin for i in ${first}..${first + batch - 1} loop
      execute format('create table t_%s (id int primary key)', lpad(i::text, 5, '0')); end loop; end $$`)
  }
  const { page, context, complaints } = await visit(chromium, server.url)
  let size = 0
  page.on('response', async (response) => {
    if (response.url().includes('/api/plan?')) size = (await response.body()).length
  })
  await nameEnds(page, 'en', { source: many.url, destination: destination.url })
  await goToOptions(page, 'en')
  await page.getByText('3,000 tables').first().waitFor()
  const lines = objects(page, 'en').getByRole('listitem')
  expect(await lines.count()).toBeLessThan(40)
  expect(await page.locator('*').count()).toBeLessThan(1_200)
  expect(size).toBeGreaterThan(0)
  expect(size).toBeLessThan(1_500_000)
  await page.getByRole('searchbox', { name: say.plan.searchObjects }).fill(nameOf(2_777))
  const found = line(page, 'en', `public.${nameOf(2_777)}`)
  await found.click()
  await page.getByText(`CREATE TABLE public.${nameOf(2_777)}`).waitFor()
  expect(await barriers(page)).toEqual([])
  expect(complaints).toEqual([])
  await context.close()
})
