// Accessibility: without a mouse, with the dark theme, in a narrow window, with ten thousand tables.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { casesOf, isLong } from '../../tools/long.ts'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { makeShop } from './shop.ts'
import { barriers, goToOptions, nameEnds, overflow, shoot, visit, words } from './visitor.ts'

const say = words.en
let server: PageServer
let chromium: Browser
let from: Cluster
let to: Cluster
let source: TestDatabase

beforeAll(async () => {
  from = await cluster(14)
  to = await cluster(17)
  source = await makeShop(from)
  server = await startPageServer()
  chromium = await browser()
})

afterAll(() => server?.stop())

test('with the keyboard alone from the first field to the result', async () => {
  const destination = await to.createDatabase()
  const { page, context, complaints } = await visit(chromium, server.url)
  await tabTo(page, say.connections.url)
  await page.keyboard.type(source.url)
  await page.keyboard.press('Enter')
  await page.getByText('PostgreSQL 14').waitFor()
  await tabTo(page, say.connections.swap)
  await tabTo(page, say.connections.url)
  await page.keyboard.type(destination.url)
  await page.keyboard.press('Enter')
  await page.getByText('PostgreSQL 17').waitFor()
  await tabTo(page, say.app.next)
  await page.keyboard.press('Enter')

  await page.getByRole('tree').waitFor()
  await tabTo(page, say.selection.tree)
  // To the first table below the first schema, there and back, then its details.
  for (const key of ['ArrowDown', 'ArrowDown', ' ', ' ', 'Enter']) await page.keyboard.press(key)
  await page.getByRole('heading', { name: 'audit.log' }).waitFor()
  expect(await focused(page)).toContain(say.selection.tree)
  await tabTo(page, say.app.next)
  await page.keyboard.press('Enter')

  await page.getByText(say.options.planFresh, { exact: true }).waitFor()
  await tabTo(page, say.options.start)
  await page.keyboard.press('Enter')
  await page.getByText(say.run.resultLead.completed).waitFor()
  await tabTo(page, say.run.save)
  expect(complaints).toEqual([])
  await context.close()
})

async function tabTo(page: Page, name: string) {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    if ((await focused(page)).includes(name)) return
  }
  throw new Error(`the tab key does not reach "${name}"; it is at "${await focused(page)}"`)
}

/** The name of the focused element, as far as it is from a label or its own text. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLInputElement | null
    const labels = [...(element?.labels ?? [])].map((label) => label.textContent)
    return [element?.getAttribute('aria-label'), ...labels, element?.textContent?.slice(0, 60)].join(' ')
  })
}

test('theme and language are applied and remembered', async () => {
  const { page, context } = await visit(chromium, server.url, { dark: true })
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  const dark = await ground()
  await page.getByLabel(say.app.theme).selectOption('light')
  const light = await ground()
  expect(light).not.toBe(dark)
  await page.getByLabel(say.app.language).selectOption('ja')
  await page.getByRole('heading', { name: words.ja.connections.title }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: words.ja.connections.title }).waitFor()
  expect(await ground()).toBe(light)
  await context.close()
})

// The journeys check the widths 1280 and 820 with both themes.
test.each(
  casesOf(
    [
      { width: 360, dark: true },
      { width: 1600, dark: false },
    ],
    [
      { width: 360, dark: false },
      { width: 800, dark: false },
      { width: 1600, dark: true },
    ],
  ),
)('everything is visible and has enough contrast: %o', async (look) => {
  const destination = await to.createDatabase()
  const { page, context, complaints } = await visit(chromium, server.url, look)
  const name = `look-${look.width}-${look.dark ? 'dark' : 'light'}`
  const check = async (step: string) => {
    await shoot(page, `${name}-${step}`)
    expect({ step, wider: await overflow(page), barriers: await barriers(page) }).toEqual({
      ...{ step, wider: 0, barriers: [] },
    })
  }
  await nameEnds(page, 'en', { source: source.url, destination: destination.url })
  await check('1')
  await goToOptions(page, 'en')
  await page.getByText(say.options.groups.along, { exact: true }).click()
  await check('3')
  await page.getByRole('link', { name: new RegExp(say.steps.selection) }).click()
  await page.getByRole('tree').waitFor()
  await check('2')
  expect(complaints).toEqual([])
  await context.close()
})

test.each(casesOf([2_000], [10_000]))(
  '%d tables: few of them in the document, all of them reachable',
  async (tables) => {
    const nameOf = (number: number) => `t_${String(number).padStart(5, '0')}`
    const many = await from.createDatabase()
    const batch = 2_000
    for (let first = 1; first <= tables; first += batch) {
      await many.sql(`do $$ begin for i in ${first}..${first + batch - 1} loop
      execute format('create table t_%s (id int)', lpad(i::text, 5, '0')); end loop; end $$`)
    }
    const { page, context, complaints } = await visit(chromium, server.url)
    await page
      .getByRole('form', { name: say.connections.source })
      .getByLabel(say.connections.url)
      .fill(many.url)
    await page.getByRole('button', { name: say.app.next }).click()
    await page.getByText(`${tables.toLocaleString('en')} tables`).waitFor()
    const tree = page.getByRole('tree')
    const blocked = await watchLongTasks(page)
    await tree.focus()
    for (let pages = 0; pages < 10; pages++) await page.keyboard.press('PageDown')
    await page.keyboard.press('End')
    await page.getByRole('treeitem', { name: nameOf(tables) }).waitFor()
    expect(await page.getByRole('treeitem').count()).toBeLessThan(80)
    await shoot(page, 'many-tables')
    if (isLong) expect(await blocked()).toBeLessThan(250)
    expect(await barriers(page)).toEqual([])

    await page.getByRole('searchbox').pressSequentially(nameOf(tables - 223))
    if (isLong) expect(await blocked()).toBeLessThan(250)
    const found = page.getByRole('treeitem', { name: nameOf(tables - 223) })
    await found.locator('[data-part=check]').click()
    await page.getByText(`${(tables - 1).toLocaleString('en')} tables`).waitFor()
    expect(await found.getAttribute('aria-checked')).toBe('false')
    await page.getByRole('searchbox').fill('')
    await page.getByRole('button', { name: say.selection.nothing }).click()
    await page.getByText(say.selection.nothingSelected).waitFor()
    expect(await page.getByRole('button', { name: say.app.next }).isDisabled()).toBe(true)
    expect(complaints).toEqual([])
    await context.close()
  },
)

/** The longest time, in milliseconds, for which the page could not respond since the last call. */
async function watchLongTasks(page: Page): Promise<() => Promise<number>> {
  const list = await page.evaluateHandle(() => {
    const durations: number[] = []
    new PerformanceObserver((entries) => {
      durations.push(...entries.getEntries().map(({ duration }) => duration))
    }).observe({ type: 'longtask' })
    return durations
  })
  return () => list.evaluate((durations) => Math.max(0, ...durations.splice(0)))
}
