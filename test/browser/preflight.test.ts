// Preflight checks on the page: once both connections are tested, in both languages, with SQL to copy.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { nameEnds, stepCheck, visit, words } from './visitor.ts'

let server: PageServer
let chromium: Browser
let from: Cluster
let to: Cluster

beforeAll(async () => {
  from = await cluster(15)
  to = await cluster(18)
  server = await startPageServer()
  chromium = await browser()
})

afterAll(() => server?.stop())

test.each([
  { language: 'en', width: 1280, dark: false, title: 'Replica identities' },
  { language: 'ja', width: 360, dark: true, title: 'レプリカアイデンティティ' },
] as const)('preflight findings and their fixes: $language, $width wide', async (look) => {
  const { language, title } = look
  const say = words[language].preflight
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql('create table keyless (x int); create table t (x int primary key)')
  const { page, context, complaints } = await visit(chromium, server.url, look)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const check = stepCheck(page, 'preflight', language)
  expect(await page.getByRole('region', { name: say.title }).count()).toBe(0)

  await nameEnds(page, language, { source: source.url, destination: destination.url })
  const report = page.getByRole('region', { name: say.title })
  await report.getByText(say.verdict.ok).waitFor()

  await report.getByLabel(say.follow).check()
  const finding = report.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title }) })
  await finding.waitFor()
  expect(await report.getByRole('heading', { level: 3 }).first().textContent()).toBe(say.groups.blocker)
  expect(await finding.textContent()).toContain('public.keyless')
  const isJapanese = /[\u3040-\u30ff]/.test((await finding.locator('p.quiet').textContent()) ?? '')
  expect(isJapanese).toBe(language === 'ja')
  // The page has its own names for options, and its own language.
  expect(await finding.textContent()).not.toContain('--inserts-only')
  expect(await finding.textContent()).toContain(words[language].follow.choice.insertsOnly)
  await check('blocked')
  const statement = 'alter table public.keyless replica identity full;'
  await finding.getByText(statement).waitFor()
  await finding.getByRole('button', { name: say.copyFor.replace('{{title}}', title) }).click()
  await finding.getByText(words[language].app.copied, { exact: true }).waitFor()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    `-- on the source, as the owner of the table or a superuser\n${statement}`,
  )

  await source.sql(statement)
  await report.getByRole('button', { name: say.again }).click()
  await finding.waitFor({ state: 'detached' })
  // The new report replaces what is open in the one before.
  await report.getByRole('button', { name: say.again, disabled: false }).waitFor()
  await report.locator('.in-order summary').click()
  await report.locator('.in-order').getByText(title).waitFor()
  await check('fixed')
  expect(await report.locator('[lang=en]').allTextContents()).toEqual([])
  // A changed connection has not been checked.
  await page
    .getByRole('form', { name: words[language].connections.source })
    .getByLabel(words[language].connections.database)
    .fill('another')
  await report.waitFor({ state: 'detached' })
  expect(complaints).toEqual([])
  await context.close()
})
