// A visitor of the page: opens it, finds things by words and roles, and checks accessibility.
import { expect } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { en } from '../../client/i18n/en.ts'
import { ja } from '../../client/i18n/ja.ts'
import { isLong } from '../../tools/long.ts'

export const words = { en, ja }
export type Language = keyof typeof words

export interface VisitOptions {
  language?: Language
  width?: number
  height?: number
  dark?: boolean
}

export interface Visit extends AsyncDisposable {
  page: Page
  context: BrowserContext
  /** What the browser complained about: errors in scripts, and what the page's policy forbade. */
  complaints: string[]
}

const shots = join(import.meta.dir, '../../test-output')

export async function visit(browser: Browser, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { language = 'en', width = 1280, height = 900, dark = false } = options
  const context = await browser.newContext({
    locale: language === 'ja' ? 'ja-JP' : 'en-GB',
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // A server's refusal is also a line there, and those are part of the tests.
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text())
  })
  await page.goto(url)
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() }
}

/** A picture for a person to look at, made in long runs only: it costs as much as a check. */
export async function shoot(page: Page, name: string) {
  if (!isLong) return
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
}

/** What axe finds, as lines to read. https://github.com/dequelabs/axe-core */
export async function barriers(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source)
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    return (await axe.run(document, { resultTypes: ['violations'] })).violations
  })
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary ?? ''}`),
  )
}

/**
 * Checks what the page shows at one step of a journey. No step may be wider than its window. The check for
 * barriers takes most of the time of a journey: each language does it at every second step, the other one at the
 * steps between, and both at every step in a long run.
 */
export function stepCheck(page: Page, journey: string, language: Language, everyStep = isLong) {
  let steps = language === 'en' ? 0 : 1
  return async (name: string) => {
    await shoot(page, `${journey}-${language}-${name}`)
    const found = everyStep || steps++ % 2 === 0 ? await barriers(page) : []
    expect({ at: name, barriers: found, wider: await overflow(page) }).toEqual({
      ...{ at: name, barriers: [], wider: 0 },
    })
  }
}

/** Whether the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth))
}

export async function nameEnds(
  page: Page,
  language: Language,
  ends: { source: string; destination: string },
) {
  const say = words[language].connections
  for (const side of ['source', 'destination'] as const) {
    const form = page.getByRole('form', { name: say[side] })
    await form.getByLabel(say.url).fill(ends[side])
    await form.getByRole('button', { name: say.test }).click()
    await form.getByText('PostgreSQL 1').waitFor()
  }
}

/** From two named ends to a plan that is fresh. */
export async function goToOptions(page: Page, language: Language) {
  const say = words[language]
  await page.getByRole('button', { name: say.app.next }).click()
  await page.getByRole('tree').waitFor()
  await page.getByRole('button', { name: say.app.next }).click()
  await waitForPlan(page, language)
}

export async function waitForPlan(page: Page, language: Language) {
  await page.getByText(words[language].options.planFresh, { exact: true }).waitFor()
}

/** So slow that the run does not end before somebody cancels it, also on a busy machine. */
export async function slowDown(page: Page, language: Language) {
  const say = words[language].options
  await page.getByText(say.more, { exact: true }).click()
  await page.getByLabel(say.each.maxBytesPerSecond.label).fill('20000')
  await waitForPlan(page, language)
}

/** Agrees to what the plan destroys, if anything. */
export async function confirmAndStart(page: Page, language: Language) {
  const say = words[language].options
  const agree = page.locator('.confirm input')
  if ((await agree.count()) > 0) await agree.check()
  await page.getByRole('button', { name: say.start }).click()
}
