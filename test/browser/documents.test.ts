// The login in both languages, and the API reference: search, deep links, copying, both themes, the keyboard.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { startBrowser } from '../../tools/browser.ts'
import { type Api, startApi } from '../support/api.ts'
import { barriers, overflow, shoot, visit } from './visitor.ts'

const token = 'sixteen-letters-and-more'
let browser: Browser
let open: Api
let closed: Api

beforeAll(async () => {
  ;[browser, open, closed] = await Promise.all([startBrowser(), startApi(), startApi({ token })])
})

afterAll(async () => {
  await browser.close()
  await Promise.all([open.server.close(), closed.server.close()])
})

const logins = {
  en: { token: 'Token', button: 'Log in', wrong: /not the token/, where: 'Where the token is' },
  ja: { token: 'トークン', button: 'ログイン', wrong: /一致しません/, where: 'トークンの確認方法' },
}

test.each(['en', 'ja'] as const)('the login, in the language of the browser (%s)', async (language) => {
  const say = logins[language]
  const options = { language, width: 390, dark: language === 'ja' }
  await using visited = await visit(browser, `${closed.server.url}login`, options)
  const { page } = visited
  expect(await page.evaluate(() => document.documentElement.lang)).toBe(language)
  await page.getByRole('heading', { name: say.where }).waitFor()
  expect(await barriers(page)).toEqual([])
  // With the keyboard alone: the field has the focus.
  await page.keyboard.type('another')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').filter({ hasText: say.wrong }).waitFor()
  await shoot(page, `login-${language}`)
  expect({ barriers: await barriers(page), wider: await overflow(page) }).toEqual({ barriers: [], wider: 0 })
  await page.getByLabel(say.token, { exact: true }).fill(token)
  await page.getByRole('button', { name: say.button }).click()
  await page.waitForURL(closed.server.url)
  await page.goto(`${closed.server.url}openapi`)
  await page.getByRole('heading', { name: 'API', exact: true }).waitFor()
  expect(visited.complaints).toEqual([])
})

test.each([
  [1440, false],
  [900, true],
  [390, true],
])('the reference at %p pixels, dark: %p', async (width, dark) => {
  await using visited = await visit(browser, `${open.server.url}openapi`, { width, dark })
  const { page } = visited
  await page.getByRole('article', { name: /^POST \/api\/plan Link/ }).waitFor()
  await shoot(page, `reference-${width}`)
  expect({ barriers: await barriers(page), wider: await overflow(page) }).toEqual({ barriers: [], wider: 0 })
  expect(visited.complaints).toEqual([])
})

test('the reference is searched with the keyboard, and a link shows what the search has hidden', async () => {
  await using visited = await visit(browser, `${open.server.url}openapi#type-ApiError`)
  const { page } = visited
  const error = page.getByRole('article', { name: /^ApiError/ })
  await error.waitFor()
  await page.waitForFunction(() => scrollY > 0)
  await page.keyboard.press('/')
  await page.keyboard.type('post fleet/switchover')
  await page.getByText('1 found.', { exact: true }).waitFor()
  const visible = page.locator('article:visible')
  expect(await visible.count()).toBe(1)
  await visible.getByText('POST /api/fleet/switchover').waitFor()
  await page.getByRole('searchbox').fill('no such thing')
  await page.getByText('Nothing found.', { exact: true }).waitFor()
  await page.evaluate(() => {
    location.hash = '#plan'
  })
  await page.getByRole('article', { name: /^POST \/api\/plan Link/ }).waitFor()
  expect(await page.getByRole('searchbox').inputValue()).toBe('')
})

test('an example is copied as it is printed, and the theme is that of the page', async () => {
  await using visited = await visit(browser, `${open.server.url}openapi`)
  const { page, context } = visited
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const route = page.getByRole('article', { name: 'GET /api/migrate/status' })
  await route.getByRole('button', { name: 'Copy' }).first().click()
  await route.getByRole('button', { name: 'Copied' }).waitFor()
  const base = open.server.url.replace(/\/$/, '')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`curl '${base}/api/migrate/status'`)
  await page.evaluate(() => localStorage.setItem('pgtrek.theme', 'dark'))
  await page.reload()
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark')
  expect(visited.complaints).toEqual([])
})
