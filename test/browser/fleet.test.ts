// The fleet board: a hundred mappings with five thousand databases, whose numbers change during searches and
// actions; in both languages, with both themes, with the keyboard.
import { afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { formatBytes } from '../../shared/format.ts'
import { eventually } from '../../tools/eventually.ts'
import { freshPage } from '../../tools/test-run/fresh-page.ts'
import { type Api, startApi } from '../support/api.ts'
import { browser } from '../support/browser.ts'
import { SeenFleet } from '../support/fleet-controller.ts'
import { barriers, stepCheck, visit, words } from './visitor.ts'

/** The document contains only the visible lines, and some lines around them. */
const mostLines = 60

let chromium: Browser
let controller: SeenFleet
let api: Api

beforeAll(async () => {
  await freshPage()
  chromium = await browser()
})

beforeEach(async () => {
  controller = new SeenFleet(100, 8)
  api = await startApi({ fleet: controller })
})

afterEach(() => api.server.close())

const url = () => api.server.url.replace(/\/$/, '')
const lines = (page: Page) => page.locator('.board-rows li')
const line = (page: Page, name: string) =>
  lines(page).filter({ has: page.getByRole('button', { name, exact: true }) })

test.each([
  { language: 'en', width: 1280, dark: false },
  { language: 'ja', width: 820, dark: true },
] as const)(
  'a fleet is shown, expanded, searched, switched over, marked complete: $language, $width wide',
  async (how) => {
    const { language } = how
    const say = words[language]
    const broken = controller.find('shops-001', 'shop_001_01')
    broken.state = 'problem'
    broken.error = { message: 'could not extend file: No space left on device', sqlstate: '53100' }
    broken.failed_tables = [{ schema: 'public', name: 'orders', error: 'ERROR: disk full' }]
    controller.log.push({
      at: Date.now(),
      level: 'warn',
      mapping: 'shops-001',
      message: 'will be tried again',
    })
    const { page, context, complaints } = await visit(chromium, `${url()}/#`, how)
    const look = stepCheck(page, 'fleet', language)
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    const dialog = page.getByRole('alertdialog')

    // The page of a fleet opens on the board; what needs attention comes first.
    await page.getByRole('heading', { level: 1, name: say.fleet.title }).waitFor()
    expect(await page.getByRole('navigation').getByRole('link', { name: say.app.fleet }).count()).toBe(1)
    await line(page, 'shops-001').getByText(say.fleet.state.problem).waitFor()
    expect(await lines(page).first().textContent()).toContain('shops-001')
    const totals = page.getByRole('region', { name: say.fleet.totals.title })
    await totals.getByText('100', { exact: true }).waitFor()
    await page.getByRole('log').getByText('shops-001: will be tried again').waitFor()
    await look('1-board')

    await button('shops-001').click()
    await page.getByText(say.fleet.roles.needing.replace('{{count}}', '2')).waitFor()
    await page.getByText('app "quoted"').waitFor()
    await button('shop_001_01').click()
    await page.getByText('public.orders').waitFor()
    await page.getByText('could not extend file').waitFor()
    await look('2-opened')

    await button(say.fleet.actions.instructions).click()
    await dialog.getByText('Stop what writes to old-001.example.com.').waitFor()
    await look('3-instructions')
    await dialog.getByRole('button', { name: say.fleet.instructions.close }).click()

    // One database.
    await page.getByRole('searchbox', { name: say.fleet.search }).fill('shop_042_04')
    await button('shop_042_04').click()
    const place = 'shops-042 / shop_042_04'
    const actions = page.getByRole('group', { name: say.fleet.actions.title.replace('{{place}}', place) })
    await actions.getByRole('button', { name: say.fleet.actions.switchover }).click()
    const yes = dialog.getByRole('button', { name: say.fleet.switchover.yes })
    const confirm = dialog.getByRole('textbox', { name: /shop|shops|data|データ/ })
    expect(await yes.isDisabled()).toBe(true)
    await confirm.fill('shops-042')
    expect(await yes.isDisabled()).toBe(true)
    await dialog.getByRole('checkbox', { name: say.follow.switchover.options.keepReverse }).check()
    await look('4-switchover')
    await confirm.fill('shop_042_04')
    await yes.click()
    await page
      .getByRole('status')
      .filter({ hasText: say.fleet.actions.taken.replace('{{place}}', place) })
      .waitFor()

    // A mapping: those that are not ready are named.
    const mapping = page.getByRole('group', {
      name: say.fleet.actions.title.replace('{{place}}', 'shops-042'),
      exact: true,
    })
    await mapping.getByRole('button', { name: say.fleet.actions.switchover }).click()
    await dialog.getByText(/shop_042_02/).waitFor()
    await confirm.fill('shops-042')
    await yes.click()
    await dialog.waitFor({ state: 'hidden' })

    // Everything: the confirmation is longer than a name.
    await button(say.fleet.actions.switchoverAll).click()
    await confirm.fill(say.fleet.switchover.allWord)
    await look('5-all')
    await yes.click()
    await dialog.waitFor({ state: 'hidden' })

    await mapping.getByRole('button', { name: say.fleet.actions.complete }).click()
    const complete = dialog.getByRole('button', { name: say.fleet.complete.yes, exact: true })
    expect(await complete.isDisabled()).toBe(true)
    await dialog.getByRole('checkbox', { name: say.fleet.complete.sure }).check()
    await look('6-complete')
    await complete.click()
    await dialog.waitFor({ state: 'hidden' })

    await mapping.getByRole('button', { name: say.fleet.actions.pause }).click()
    await dialog.getByRole('button', { name: say.fleet.actions.pauseYes, exact: true }).click()
    await dialog.waitFor({ state: 'hidden' })
    await button(say.fleet.actions.retryAll).click()
    await eventually(
      'the retry of all',
      () => controller.actions,
      (actions) => actions.at(-1)?.type === 'retry',
    )

    controller.answer = { ok: false, message: 'nothing is paused' }
    controller.find('shops-042', 'shop_042_04').state = 'paused'
    await actions.getByRole('button', { name: say.fleet.actions.resume }).click()
    await page.getByRole('alert').filter({ hasText: 'nothing is paused' }).waitFor()
    const usual = {
      timeout_seconds: 30,
      read_only_source: false,
      verify: false,
      accept_differences: false,
      discard_late_writes: false,
      refresh_materialized_views: false,
    }
    expect(controller.actions).toEqual([
      { type: 'switchover', mapping: 'shops-042', database: 'shop_042_04', ...usual, keep_reverse: true },
      { type: 'switchover', mapping: 'shops-042', ...usual, keep_reverse: false },
      { type: 'switchover', ...usual, keep_reverse: false },
      { type: 'complete', mapping: 'shops-042' },
      { type: 'pause', mapping: 'shops-042' },
      { type: 'retry' },
      { type: 'resume', mapping: 'shops-042', database: 'shop_042_04' },
    ])

    // The complete view of one.
    await page
      .getByRole('link', { name: say.fleet.details.replace('{{name}}', 'shop_042_04'), exact: true })
      .click()
    await page.getByText('public.orders of shop_042_04').waitFor()
    await look('7-one')
    await page.getByRole('link', { name: say.fleet.detail.back }).last().click()
    await button('shop_042_04').waitFor()

    // States: another process, retrying, can return.
    const one = controller.find('shops-042', 'shop_042_04')
    for (const state of ['elsewhere', 'retrying', 'returned', 'done'] as const) {
      one.state = state
      await line(page, 'shop_042_04').getByText(say.fleet.state[state], { exact: true }).waitFor()
    }
    one.flows_back = true
    await actions.getByRole('button', { name: say.fleet.actions.back }).click()
    await confirm.fill('shop_042_04')
    await dialog.getByRole('button', { name: say.fleet.back.yes }).click()
    await eventually(
      'the return',
      () => controller.actions.at(-1),
      (action) => action?.type === 'switchover' && action.back === true,
    )

    expect(complaints).toEqual([])
    await context.close()
  },
)

test('five thousand databases: few lines in the document, all reachable, and their numbers are updated', async () => {
  const say = words.en.fleet
  const controller = new SeenFleet(100, 50)
  await using large = await startApi({ fleet: controller })
  const { page, context, complaints } = await visit(chromium, `${large.server.url.replace(/\/$/, '')}/#`)
  await page.getByRole('button', { name: say.openAll }).click()
  const board = page.getByRole('region', { name: say.list })
  await line(page, 'shops-001').waitFor()
  expect(await lines(page).first().getAttribute('aria-setsize')).toBe('5200')
  expect(await lines(page).count()).toBeLessThan(mostLines)

  // All of them have other numbers, and the visible ones show them.
  await page.getByLabel(say.refresh).selectOption('1')
  await page.getByLabel(say.sort).selectOption('name')
  const first = line(page, 'shop_001_04')
  await first.waitFor()
  for (let round = 1; round <= 3; round++) {
    controller.move()
    const bytes = controller.find('shops-001', 'shop_001_04').lag_bytes
    await first.getByText(`${formatBytes(bytes)}, 3.0 s`).waitFor()
    expect(await lines(page).count()).toBeLessThan(mostLines)
  }

  // To the end and back while the numbers change.
  const moving = setInterval(() => controller.move(), 200)
  try {
    await board.focus()
    await page.keyboard.press('End')
    await line(page, 'shop_100_50').waitFor()
    expect(await lines(page).count()).toBeLessThan(mostLines)
    await page.keyboard.press('Home')
    await line(page, 'shops-001').waitFor()
    expect(await lines(page).count()).toBeLessThan(mostLines)
  } finally {
    clearInterval(moving)
  }

  // A state is sent without waiting for the interval of the numbers.
  await page.getByLabel(say.refresh).selectOption('60')
  await page.getByLabel(say.filter).selectOption('problem')
  await page.getByText(say.noMatch).waitFor()
  controller.find('shops-077', 'shop_077_07').state = 'problem'
  await line(page, 'shop_077_07').waitFor()
  expect(await lines(page).count()).toBe(3)
  await page.getByLabel(say.filter).selectOption('all')
  await page.getByLabel(say.sort).selectOption('state')
  await line(page, 'shops-077').waitFor()
  expect(await lines(page).first().textContent()).toContain('shops-077')
  expect(complaints).toEqual([])
  await context.close()
})

test('with the keyboard alone: to a database, its details and its actions', async () => {
  const say = words.en.fleet
  const { page, context, complaints } = await visit(chromium, `${url()}/#`)
  await line(page, 'shops-001').waitFor()
  await page.getByLabel(say.sort).selectOption('name')
  await page.getByRole('region', { name: say.list }).focus()
  const at = () => page.evaluate(() => document.activeElement?.textContent ?? '')
  const press = async (key: string, name: string) => {
    await page.keyboard.press(key)
    await page.waitForFunction((wanted) => document.activeElement?.textContent?.includes(wanted), name)
  }
  await press('ArrowDown', 'shops-001')
  await press('ArrowDown', 'shops-002')
  await press('ArrowUp', 'shops-001')
  await press('ArrowRight', 'shops-001')
  await line(page, 'shop_001_02').waitFor()
  await press('ArrowDown', 'shop_001_01')
  await press('ArrowDown', 'shop_001_02')
  await press('Enter', 'shop_001_02')
  await page.getByRole('link', { name: say.details.replace('{{name}}', 'shop_001_02') }).waitFor()
  for (let presses = 0; presses < 20 && !(await at()).includes(say.actions.pause); presses++) {
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await page.getByRole('alertdialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' })
  await eventually('the focus to be where it was before the dialog', at, (text) =>
    text.includes(say.actions.pause),
  )
  expect(controller.actions).toEqual([])
  expect(complaints).toEqual([])
  await context.close()
})

test('a pgtrek without a fleet has no fleet page', async () => {
  const say = words.en
  await using plain = await startApi()
  const { page, context, complaints } = await visit(chromium, `${plain.server.url}#fleet`)
  await page.getByRole('heading', { name: say.fleet.none }).waitFor()
  expect(await page.getByRole('link', { name: say.app.fleet, exact: true }).count()).toBe(0)
  expect(await barriers(page)).toEqual([])
  expect(complaints).toEqual([])
  await context.close()
})

test.each([{ width: 1280 }, { width: 820 }])(
  'when lines are expanded, collapsed and sorted, no line of the board covers another: $width wide',
  async ({ width }) => {
    const say = words.en
    const errors = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        schema: 'public',
        name: `t${index}`,
        error: 'ERROR: disk full',
      }))
    controller.find('shops-001', 'shop_001_02').failed_tables = errors(3)
    controller.find('shops-001', 'shop_001_04').failed_tables = errors(3)
    controller.find('shops-003', 'shop_003_02').failed_tables = errors(1)
    const { page, context, complaints } = await visit(chromium, `${url()}/#`, { width })
    page.setDefaultTimeout(15_000)
    const board = page.locator('.board-rows')
    await board.waitFor()
    /** The pixels by which neighbours overlap, or are apart. */
    const faults = () =>
      board.evaluate((element) => {
        const boxes = [...element.querySelectorAll('li[data-key]')]
          .map((line) => ({ key: line.getAttribute('data-key'), box: line.getBoundingClientRect() }))
          .sort((one, other) => one.box.top - other.box.top)
        return boxes.slice(1).flatMap(({ key, box }, index) => {
          const above = boxes[index]
          const off = above ? Math.round(box.top - above.box.bottom) : 0
          return Math.abs(off) > 1 ? [`${key} begins ${off} px from the end of ${above?.key}`] : []
        })
      })
    const isWell = (what: string) =>
      eventually(`${what}: each line below the one before`, faults, (list) => list.length === 0)
    const toggle = (name: string) => page.getByRole('button', { name, exact: true }).click()
    await page.getByLabel(say.fleet.sort).selectOption('name')
    for (const name of ['shops-001', 'shop_001_02', 'shop_001_04', 'shop_001_02', 'shops-001', 'shops-001']) {
      await toggle(name)
      await isWell(`after ${name}`)
    }
    // The number of lines is as before, and the lines are others.
    await page.getByRole('searchbox', { name: say.fleet.search }).fill('shop_003')
    await isWell('searched')
    await toggle('shop_003_02')
    await isWell('opened where it was found')
    await page.getByRole('searchbox', { name: say.fleet.search }).fill('')
    await page.getByLabel(say.fleet.sort).selectOption('errors')
    await isWell('sorted')
    // The numbers change, and with them the order, during an action.
    controller.find('shops-005', 'shop_005_01').error = { message: `no space left: ${'x'.repeat(400)}` }
    await page.getByText('shops-005', { exact: true }).waitFor()
    await isWell('changed')
    await board.evaluate((element) => element.scrollTo({ top: 1500 }))
    await isWell('scrolled')
    await board.evaluate((element) => element.scrollTo({ top: 0 }))
    await isWell('scrolled back')
    expect(complaints).toEqual([])
    await context.close()
  },
)
