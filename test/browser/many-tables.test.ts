// A run of 3,000 tables on the page: in long runs only.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { isLong } from '../../tools/long.ts'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { confirmAndStart, goToOptions, nameEnds, shoot, visit, words } from './visitor.ts'

const say = words.en
let server: PageServer
let chromium: Browser
let to: Cluster

beforeAll(async () => {
  if (!isLong) return
  to = await cluster(17)
  server = await startPageServer()
  chromium = await browser()
})

afterAll(() => server?.stop())

const manyTables = 3000

/** The tasks of the page that took longer than this, in milliseconds. */
const longestTask = 100

test.skipIf(!isLong)(
  'a run of 3,000 tables keeps the page small and responsive',
  async () => {
    const [from, destination] = [await to.createDatabase(), await to.createDatabase()]
    for (const database of [from, destination]) {
      for (let first = 0; first < manyTables; first += 500) {
        await database.sql(`do $$ begin for n in ${first}..${first + 499} loop
        execute format('create table a_table_with_a_rather_long_name_%s (n int%s)', n,
          case when ${database === destination} and n % 1000 = 0 then ' check (n < 0)' end);
      end loop; end $$`)
      }
    }
    await from.sql(`do $$ begin for n in 0..${manyTables - 1} loop
    execute format('insert into a_table_with_a_rather_long_name_%s select generate_series(1, 50)', n);
  end loop; end $$`)
    await using visited = await visit(chromium, server.url)
    const { page, complaints } = visited
    await nameEnds(page, 'en', { source: from.url, destination: destination.url })
    await goToOptions(page, 'en')
    await page.evaluate((longest) => {
      const counted = globalThis as unknown as { longTasks: number[] }
      counted.longTasks = []
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) if (duration > longest) counted.longTasks.push(duration)
      }).observe({ type: 'longtask' })
    }, longestTask)
    await confirmAndStart(page, 'en')
    await page.getByRole('heading', { level: 1, name: say.run.result.completed_with_failures }).waitFor()
    await page.getByText(say.repair.causesLead).waitFor()
    expect(await page.getByRole('alert').allTextContents()).toEqual(['3 failed'])
    await shoot(page, 'run-many')
    const tasks = await page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks)
    expect(tasks).toEqual([])
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(2000)
    expect(complaints).toEqual([])
  },
  300_000,
)
