// Schedules on the page, in both languages: created with a preview and a confirmation, run, looked at and removed.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { stepCheck, visit, words } from './visitor.ts'

let server: PageServer
let chromium: Browser

beforeAll(async () => {
  const here = await cluster(17)
  const [source, destination] = await Promise.all([here.createDatabase(), here.createDatabase()])
  await source.sql('create table t (id int primary key); insert into t values (1), (2)')
  await destination.sql('create table t (id int primary key)')
  server = await startPageServer()
  chromium = await browser()
  const saved = await fetch(new URL('/api/profiles/refresh', server.url), {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      request: {
        source: { url: here.url(source.name) },
        destination: { url: here.url(destination.name) },
        options: { dataOnly: true, existingDataMode: 'truncate' },
      },
    }),
  })
  expect(saved.status).toBe(200)
})

afterAll(() => server?.stop())

test.each(['en', 'ja'] as const)('a schedule is created, run and removed (%s)', async (language) => {
  const say = words[language].schedules
  await using visited = await visit(chromium, `${server.url}#schedules`, { language, width: 1440 })
  const { page, complaints } = visited
  const check = stepCheck(page, 'schedules', language)
  await page.getByText(say.empty).waitFor()
  await check('empty')
  await page.getByRole('button', { name: say.create }).click()
  await page.getByLabel(say.name, { exact: true }).fill(`nightly ${language}`)
  await page.getByLabel(say.profile, { exact: true }).selectOption('refresh')
  await page.getByLabel(say.zone).fill('Asia/Tokyo')
  await page.getByLabel(say.when).selectOption('custom')
  await page.getByRole('textbox', { name: say.expression }).fill('61 * * * *')
  await page.getByText('is not a cron expression').waitFor()
  await page.getByRole('textbox', { name: say.expression }).fill('30 4 * * *')
  const next = page.getByRole('group', { name: say.next }).getByRole('listitem')
  await next.filter({ hasText: '30' }).nth(4).waitFor()
  await page.getByRole('checkbox', { name: say.confirm.split('{{')[0] ?? '' }).check()
  await check('form')
  await page.getByRole('button', { name: words[language].app.save, exact: true }).click()
  await page.getByText(say.noPast).waitFor()
  await page.getByRole('button', { name: say.runNow }).click()
  await page.getByText(say.states.succeeded).waitFor()
  await check('details')
  await page.getByRole('link', { name: say.back }).click()
  const isOn = page.getByRole('checkbox')
  await isOn.uncheck()
  await page.getByText(say.disabled, { exact: true }).waitFor()
  await page.setViewportSize({ width: 390, height: 800 })
  await check('list')
  await page.getByRole('link', { name: `nightly ${language}` }).click()
  await page.getByRole('button', { name: say.remove }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: say.remove }).click()
  await page.getByText(say.empty).waitFor()
  expect(complaints).toEqual([])
})
