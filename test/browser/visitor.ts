// A visitor of the page: opens it, finds elements by text and role, and checks accessibility.
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
  /** The browser's complaints: errors in scripts, and violations of the page's policy. */
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
    // The browser also logs error responses, which are part of the tests.
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text())
  })
  // The steps, not the question before them.
  await page.goto(url.includes('#') ? url : `${url}/#connections`)
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() }
}

/** A screenshot for developers, in long runs only: it costs as much as a check. */
export async function shoot(page: Page, name: string) {
  if (!isLong) return
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
}

/** The findings of axe, as readable lines. https://github.com/dequelabs/axe-core */
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
 * Checks the page at one step of a journey. No step may be wider than its window. The check with axe takes most of the
 * time of a journey: each language does it at every second step, the other one at the steps between, and both at every
 * step in a long run.
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

/** On the page of the connections. */
export async function chooseToFollow(page: Page, language: Language) {
  await page.getByLabel(words[language].preflight.follow).check()
}

/** From two connections to an up-to-date plan. */
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

/** So slow that the run does not end before it is cancelled, also on a busy machine. */
export async function slowDown(page: Page, language: Language) {
  const say = words[language].options
  await page.getByText(say.groups.speed, { exact: true }).click()
  await page.getByLabel(say.each.maxBytesPerSecond.label).fill('20000')
  await waitForPlan(page, language)
}

/** Confirms what the plan destroys, if anything. */
export async function confirmAndStart(page: Page, language: Language) {
  const say = words[language].options
  const agree = page.locator('.confirm input')
  if ((await agree.count()) > 0) await agree.check()
  await page.getByRole('button', { name: say.start }).click()
}
