// A database that is copied and followed while it is written to, monitored and controlled on the page, in both
// languages, until it is switched over and cleaned up.
import { afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import type { SwitchoverReport } from '../../shared/switchover.ts'
import { eventually } from '../../tools/eventually.ts'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { makeShop, orderRows } from './shop.ts'
import { chooseToFollow, goToOptions, nameEnds, stepCheck, visit, waitForPlan, words } from './visitor.ts'

let server: PageServer
let chromium: Browser
let from: Cluster
let to: Cluster
let writer: Writer | undefined

beforeAll(async () => {
  ;[from, to] = await Promise.all([cluster(14), cluster(17)])
  chromium = await browser()
})

beforeEach(async () => {
  server = await startPageServer()
})

afterEach(async () => {
  await writer?.stop()
  await server.stop()
})

interface Writer {
  written: number
  stop(): Promise<void>
}

/** A client that places an order now and then, while the shop is open. */
function startWriter(database: TestDatabase): Writer {
  const client = database.connect()
  const state = { open: true, written: 0 }
  const ended = (async () => {
    while (state.open) {
      await client`insert into orders select max(id) + 1, 1, 7 from orders`
      state.written++
      await Bun.sleep(40)
    }
    await client.end()
  })()
  return {
    get written() {
      return state.written
    },
    async stop() {
      state.open = false
      await ended
    },
  }
}

async function makePair() {
  const source = await makeShop(from)
  // A table without a key: its updates could not be followed, and there are none.
  await source.sql(
    'alter table visits_2023 replica identity full; alter table visits_2024 replica identity full',
  )
  return { source, destination: await to.createDatabase() }
}

test.each([
  { language: 'en', width: 1280, dark: false },
  { language: 'ja', width: 820, dark: true },
] as const)('copied, followed, paused, switched over, cleaned up: $language, $width wide', async (look) => {
  const { language } = look
  const say = words[language]
  const { source, destination } = await makePair()
  writer = startWriter(source)
  const { page, context, complaints } = await visit(chromium, server.url, look)
  const check = stepCheck(page, 'follow', language)
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const inDialog = () => page.getByRole('alertdialog')

  await page.goto(`${server.url}/#follow`)
  await page.getByText(say.follow.empty).waitFor()
  await check('1-nothing')
  await page.goto(`${server.url}/#connections`)
  await nameEnds(page, language, { source: source.url, destination: destination.url })
  await chooseToFollow(page, language)
  await goToOptions(page, language)
  await page.getByLabel(say.follow.choice.readyForSeconds).fill('1')
  await page.getByLabel(say.follow.choice.name, { exact: true }).fill(`shop_${language}`)
  await waitForPlan(page, language)
  await check('2-options')
  await button(say.follow.choice.start).click()

  // It is shown from the start, and becomes ready while the client writes.
  await page.getByText(say.follow.ready.green, { exact: true }).waitFor()
  expect(new URL(page.url()).hash).toBe(`#follow/shop_${language}`)
  expect(
    await page.getByRole('region', { name: say.follow.stages }).locator('[aria-current]').textContent(),
  ).toContain(say.follow.stage.streaming)
  const changes = page.getByRole('region', { name: say.follow.changes.list })
  await changes.getByText('public.orders').waitFor()
  await page.getByRole('img', { name: new RegExp(`^${say.follow.lagCurve}`) }).waitFor()
  await check('3-streaming')

  await button(say.follow.actions.pause).click()
  await inDialog().getByText(say.follow.actions.pauseLead).waitFor()
  await check('4-pause')
  await inDialog().getByRole('button', { name: say.follow.actions.pause, exact: true }).click()
  await page.getByText(say.follow.state.paused, { exact: true }).waitFor()
  await page.getByText(say.follow.ready.red, { exact: true }).waitFor()
  await button(say.follow.actions.resume).click()
  await page.getByText(say.follow.ready.green, { exact: true }).waitFor()

  // The client stops; all of its orders are there.
  await writer.stop()
  await button(say.follow.actions.switchover).click()
  const yes = inDialog().getByRole('button', { name: say.follow.switchover.yes })
  expect(await yes.isDisabled()).toBe(true)
  await inDialog().getByLabel(say.follow.switchover.options.verify).check()
  await inDialog().getByText(say.follow.switchover.steps.compareSums).waitFor()
  await check('5-switchover')
  await inDialog()
    .getByRole('textbox', { name: new RegExp(destination.name) })
    .fill('something else')
  expect(await yes.isDisabled()).toBe(true)
  await inDialog()
    .getByRole('textbox', { name: new RegExp(destination.name) })
    .fill(destination.name)
  await yes.click()
  const report = page.getByRole('region', { name: say.follow.report.title })
  await report.waitFor()
  expect(await report.getByRole('status').textContent()).toContain(
    say.follow.report.same.replace('{{count}}', '6'),
  )
  await report.getByText(say.follow.report.change).waitFor()
  await check('6-report')
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    report.getByRole('button', { name: say.follow.report.save }).click(),
  ])
  const kept = (await Bun.file(await saved.path()).json()) as SwitchoverReport
  const orders = kept.tables.find(({ name }) => name === 'orders')
  expect(orders?.equal).toBe(true)
  // The comparison during the streaming covers the rows of that time.
  if (!orders?.before) expect(orders?.destination_rows).toBe(orderRows + writer.written)
  await page.emulateMedia({ media: 'print' })
  expect(await page.getByRole('heading', { name: say.follow.report.title }).isVisible()).toBe(true)
  expect(await page.getByRole('log').isVisible()).toBe(false)
  await page.emulateMedia({ media: 'screen' })

  // A client still writes to the old primary.
  await page.getByText(say.follow.late.watched.split('{{until}}')[0]?.split('{{place}}')[1] ?? '').waitFor()
  await source.sql('update orders set total = total where id = 1')
  await page
    .getByRole('alert')
    .filter({ hasText: say.follow.late.title.replace('{{count}}', '1') })
    .waitFor()
  await check('7-late')
  await button(say.follow.actions.stop).click()
  await inDialog().getByText(say.follow.actions.stopWatchLead).waitFor()
  await inDialog().getByRole('button', { name: say.follow.actions.stop, exact: true }).click()
  await button(say.follow.actions.servers).click()
  await inDialog().getByRole('button', { name: say.follow.servers.yes, exact: true }).click()
  const { is } = say.follow.servers.states.switched_over
  const status = inDialog().getByRole('status')
  await status.filter({ hasText: is.split('{{destination}}')[0] ?? is }).waitFor()
  await check('8-servers')
  await inDialog().getByRole('button', { name: say.app.close, exact: true }).click()
  await button(say.follow.actions.cleanup).click()
  const clean = inDialog().getByRole('button', { name: say.follow.cleanup.yes, exact: true })
  expect(await clean.isDisabled()).toBe(true)
  await inDialog().getByRole('checkbox', { name: say.follow.cleanup.confirm }).check()
  await check('9-cleanup')
  await clean.click()
  await inDialog().getByText('--discard-late-writes').waitFor()
  await inDialog().getByRole('checkbox', { name: say.follow.cleanup.discard }).check()
  await clean.click()
  await page.getByRole('status').filter({ hasText: say.follow.cleanup.done }).waitFor()
  await page.getByText(say.follow.empty).waitFor()
  await check('10-cleaned')
  const left = await source.sql(
    `select slot_name from pg_replication_slots where database = current_database()
      union all select pubname from pg_publication`,
  )
  expect(left).toEqual([])

  expect(complaints).toEqual([])
  await context.close()
})

test('a conflict is decided on the page, and a stopped move is continued', async () => {
  const say = words.en
  const [source, destination] = [await from.createDatabase(), await to.createDatabase()]
  await source.sql(`
    create table orders (id int primary key, note text); insert into orders values (1);
    create table notes (id int primary key); insert into notes values (1)`)
  await destination.sql('create table notes (id int primary key constraint none check (id < 0))')
  const { page, context, complaints } = await visit(chromium, server.url)
  const check = stepCheck(page, 'follow', 'en', true)
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const inDialog = () => page.getByRole('alertdialog')
  await nameEnds(page, 'en', { source: source.url, destination: destination.url })
  await chooseToFollow(page, 'en')
  await goToOptions(page, 'en')
  await waitForPlan(page, 'en')
  await button(say.follow.choice.start).click()
  await page.getByText(say.follow.state.running, { exact: true }).waitFor()
  await page.getByRole('region', { name: say.follow.forward }).waitFor()

  await destination.sql('alter table notes drop constraint none')
  await button(say.follow.recopy.start).click()
  await inDialog().getByText(say.follow.recopy.lead).waitFor()
  await check('recopy')
  await inDialog().getByRole('button', { name: say.follow.recopy.start, exact: true }).click()
  await page.getByText(say.follow.failedTablesLead).waitFor({ state: 'hidden' })
  expect(await destination.sql('select id from notes')).toEqual([{ id: 1 }])

  await destination.sql(`insert into orders values (2, 'in the way')`)
  await source.sql(`insert into orders values (2, 'from the source')`)
  const card = page.getByRole('group').filter({ hasText: say.follow.conflict.title })
  await card.getByText('orders_pkey').first().waitFor()
  await check('conflict')
  await card.getByRole('button', { name: say.follow.conflict.skip }).click()
  await inDialog().getByText(say.follow.conflict.skipTitle).waitFor()
  await inDialog().getByRole('button', { name: say.follow.actions.no }).click()
  await destination.sql('delete from orders where id = 2')
  await card.getByRole('button', { name: say.follow.conflict.retry }).click()
  await inDialog().getByRole('button', { name: say.follow.conflict.retry }).click()
  await card.waitFor({ state: 'hidden' })
  await page.getByRole('region', { name: say.follow.changes.list }).getByText('public.orders').waitFor()

  await button(say.follow.actions.stop).click()
  await inDialog().getByRole('button', { name: say.follow.actions.stop, exact: true }).click()
  await page.getByText(say.follow.state.stopped, { exact: true }).waitFor()
  await source.sql(`insert into orders values (3, 'meanwhile')`)
  // Another browser knows only the names of the connections.
  await page.reload()
  await button(say.follow.actions.continue).click()
  await inDialog().getByLabel(say.follow.ends.password.replace('{{side}}', 'Source')).fill('postgres')
  await check('continue')
  await inDialog().getByRole('button', { name: say.follow.continue.yes, exact: true }).click()
  await page.getByText(say.follow.state.running, { exact: true }).waitFor()
  await page.getByRole('region', { name: say.follow.changes.list }).getByText('public.orders').waitFor()
  const rows = await eventually(
    'both orders on the destination',
    () => destination.sql('select note from orders where id in (2, 3) order by id'),
    ({ length }) => length === 2,
  )
  expect(rows).toEqual([{ note: 'from the source' }, { note: 'meanwhile' }])
  expect(complaints).toEqual([])
  await context.close()
})
