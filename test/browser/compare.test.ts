// Comparing on the page, in both languages: rows side by side, and a schema that is made like the source.
import { beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { nameEnds, stepCheck, visit, words } from './visitor.ts'

let chromium: Browser
let from: Cluster
let to: Cluster

beforeAll(async () => {
  from = await cluster(17)
  to = await cluster(18)
  chromium = await browser()
})

const many = Array.from({ length: 60 }, (_, at) => `create table table_${at} (id int primary key);`).join('')
const shop = `
  create table people (id int primary key, name text, note text);
  insert into people select i, 'name ' || i, 'note' from generate_series(1, 30) i;
  create index by_name on people (name);
  ${many}`

test.each([
  { language: 'en', width: 1440, dark: false },
  { language: 'ja', width: 390, dark: true },
] as const)('rows and schemas are compared, and the schema is synchronised: $language', async (look) => {
  const { language } = look
  const say = words[language].compare
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(shop)
  await destination.sql(`${shop}
    update people set name = 'other' where id = 7; delete from people where id = 8`)
  // A server of its own, because a server keeps its comparisons.
  await using server = await startPageServer()
  const { page, context, complaints } = await visit(chromium, server.url, look)
  const check = stepCheck(page, 'compare', language)
  await nameEnds(page, language, { source: source.url, destination: destination.url })

  await page.goto(`${server.url}#compare`)
  await page.getByRole('heading', { level: 1, name: say.title }).waitFor()
  await check('empty')
  const start = page.getByRole('button', { name: say.start, exact: true })
  await start.click()
  const verdict = fill(say.state.differ, { differing: '1', count: '61' })
  await page.getByRole('heading', { level: 1, name: verdict }).waitFor()
  const rows = page.getByRole('region', { name: say.bothSides })
  await rows.getByText('other').waitFor()
  expect(await rows.locator('mark').allTextContents()).toEqual(['name 7', 'other'])
  expect(await rows.getByText(say.absent).count()).toBe(1)
  await check('rows')
  // Equal tables are listed on request.
  const list = page.getByRole('region', { name: say.list })
  expect(await list.getByRole('button').count()).toBe(1)
  await page.getByLabel(say.onlyDifferent).uncheck()
  await page.getByLabel(say.find).fill('table_59')
  await list.getByRole('button', { name: 'public.table_59' }).waitFor()
  // The server keeps the result.
  await page.reload()
  await page.getByRole('heading', { level: 1, name: verdict }).waitFor()
  await rows.getByText('other').waitFor()

  await destination.sql(
    "update people set name = 'name 7' where id = 7; insert into people values (8, 'name 8', 'note')",
  )
  await page.goto(`${server.url}#connections`)
  await nameEnds(page, language, { source: source.url, destination: destination.url })
  await page.goto(`${server.url}#compare`)
  await page.getByRole('button', { name: say.again }).click()
  await page.getByRole('heading', { level: 1, name: fill(say.state.allSame, { count: '61' }) }).waitFor()
  await check('same')

  await source.sql('alter table people add column added int; drop index by_name')
  await page.getByRole('navigation', { name: say.kinds }).getByRole('link', { name: say.schema }).click()
  await page.getByRole('button', { name: say.start, exact: true }).click()
  await page.getByRole('heading', { level: 1, name: fill(say.state.schemaDiffer, { count: '2' }) }).waitFor()
  const box = (name: string) => page.getByRole('checkbox', { name: fill(say.check, { name }) })
  expect(await box('TABLE public.people').isChecked()).toBe(true)
  expect(await box('INDEX public.by_name').isChecked()).toBe(false)
  await page.getByRole('button', { name: 'TABLE public.people' }).click()
  await check('schema')
  await box('INDEX public.by_name').check()
  await page.getByRole('button', { name: fill(say.apply, { count: '2' }) }).click()
  const dialog = page.getByRole('alertdialog')
  await dialog.getByText(fill(say.destroys.object, { kind: 'INDEX', name: 'public.by_name' })).waitFor()
  await check('confirm')
  await dialog.getByRole('button', { name: say.confirmYes }).click()
  await page.getByRole('heading', { level: 1, name: say.state.schemaSame }).waitFor()
  await page.getByText(fill(say.appliedText, { done: '2', failed: '0', other: '0' })).waitFor()
  await check('applied')
  const columns = await destination.sql(
    "select attname from pg_attribute where attrelid = 'people'::regclass and attname = 'added'",
  )
  expect(columns).toHaveLength(1)
  expect(complaints).toEqual([])
  await context.close()
})

function fill(text: string, values: Record<string, string>): string {
  return Object.entries(values).reduce((all, [name, value]) => all.replace(`{{${name}}}`, value), text)
}
