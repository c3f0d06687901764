// The first step: URL and fields, connection tests, saved connections, profiles, files.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { type Visit, visit, words } from './visitor.ts'

const say = words.en.connections
let server: PageServer
let chromium: Browser
let postgres: Cluster
let database: TestDatabase
let visited: Visit
let page: Page

beforeAll(async () => {
  postgres = await cluster(17)
  database = await postgres.createDatabase()
  server = await startPageServer()
  chromium = await browser()
})

beforeEach(async () => {
  visited = await visit(chromium, server.url)
  page = visited.page
})

afterEach(async () => {
  expect(visited.complaints).toEqual([])
  await visited.context.close()
})

afterAll(() => server?.stop())

const end = (name: string) => page.getByRole('form', { name })

test('URL and fields follow each other, and neither shows the password', async () => {
  const source = end(say.source)
  await source.getByLabel(say.url).fill('postgres://jo:s3cret@db.example:5433/shop?sslmode=require')
  await source.getByLabel(say.host).press('Tab')
  expect(await source.getByLabel(say.host).inputValue()).toBe('db.example')
  expect(await source.getByLabel(say.password, { exact: true }).inputValue()).toBe('s3cret')
  expect(await source.getByLabel(say.url).inputValue()).toBe(
    'postgres://jo:*****@db.example:5433/shop?sslmode=require',
  )
  await source.getByLabel(say.host).fill('elsewhere')
  expect(await source.getByLabel(say.url).inputValue()).toContain('@elsewhere:5433/')
  await source.getByLabel(say.url).fill('mysql://x')
  await source.getByText(say.urlScheme).waitFor()

  await page.getByRole('button', { name: say.swap }).click()
  expect(await end(say.destination).getByLabel(say.host).inputValue()).toBe('elsewhere')
  expect(await source.getByLabel(say.host).inputValue()).toBe('')
})

test('a connection test shows the server, or the cause of the failure', async () => {
  const source = end(say.source)
  await source.getByLabel(say.url).fill(database.url)
  await source.getByRole('button', { name: say.test }).click()
  await source.getByText(`PostgreSQL ${postgres.major}`).waitFor()
  await source.getByLabel(say.database).fill('not there')
  await source.getByText(say.untested).waitFor()
  await source.getByRole('button', { name: say.test }).click()
  const problem = source.getByRole('alert')
  await problem.waitFor()
  expect(await problem.textContent()).toContain('not there')
})

test('saved connections survive a reload, with their password only on request', async () => {
  const source = end(say.source)
  await source.getByLabel(say.url).fill('postgres://jo:s3cret@db.example/shop')
  for (const [name, withPassword] of [
    ['plain', false],
    ['whole', true],
  ] as const) {
    await source.getByRole('button', { name: say.saved }).click()
    const dialog = page.getByRole('dialog', { name: say.saved })
    await dialog.getByLabel(say.savedName).fill(name)
    await dialog.getByLabel(say.withPassword).setChecked(withPassword)
    await dialog.getByRole('button', { name: say.saveThis }).click()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
  }
  const stored = await page.evaluate(() => JSON.stringify(localStorage))
  expect(stored.split('s3cret')).toHaveLength(2)

  await page.reload()
  const passwords: string[] = []
  for (const name of ['plain', 'whole']) {
    await source.getByRole('button', { name: say.saved }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: new RegExp(`^${name}`) })
      .click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(await source.getByLabel(say.host).inputValue()).toBe('db.example')
    passwords.push(await source.getByLabel(say.password, { exact: true }).inputValue())
  }
  expect(passwords).toEqual(['', 's3cret'])
})

test('a profile restores everything, and its password without showing it', async () => {
  const source = end(say.source)
  await source.getByLabel(say.url).fill(database.url)
  const profiles = page.getByRole('region', { name: say.profiles })
  const name = 'every night? 100% #1'
  await profiles.getByLabel(say.savedName).fill(name)
  await profiles.getByLabel(say.profilePasswords).check()
  await profiles.getByRole('button', { name: say.profileSave }).click()
  await profiles.getByText(name, { exact: true }).waitFor()

  await page.reload()
  await source.getByText(say.passwordLost).waitFor()
  await page.getByRole('button', { name: `Use ${name}` }).click()
  // The profile is loaded with its password.
  await source.getByText(say.passwordLost).waitFor({ state: 'hidden' })
  await source.getByRole('button', { name: say.test }).click()
  await source.getByText(`PostgreSQL ${postgres.major}`).waitFor()
  expect(await source.getByLabel(say.password, { exact: true }).inputValue()).toBe('')
  await page.getByRole('button', { name: `Remove ${name}` }).click()
  await profiles.getByText(say.profilesEmpty).waitFor()
})

test('a file of connections can be chosen, or dropped on the page', async () => {
  const profiles = page.getByRole('region', { name: say.profiles })
  const text = JSON.stringify({ connections: [{ name: 'from a file', url: 'postgres://filed/db' }] })
  const choose = async (name: string, content: string) => {
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      profiles.getByRole('button', { name: say.chooseFile }).click(),
    ])
    await chooser.setFiles({ name, mimeType: 'application/json', buffer: Buffer.from(content) })
  }
  await choose('wrong.json', 'no json')
  await profiles.getByText(say.fileWrong).waitFor()
  await choose('right.json', text)
  await profiles.getByText('Imported').waitFor()
  await end(say.source).getByRole('button', { name: say.saved }).click()
  await page.getByRole('dialog').getByText('from a file').waitFor()
  await page.keyboard.press('Escape')

  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer()
    const list = JSON.stringify([{ name: 'dropped', host: 'h', database: 'd' }])
    transfer.items.add(new File([list], 'list.json', { type: 'application/json' }))
    return transfer
  })
  await profiles.locator('.file-place').dispatchEvent('drop', { dataTransfer: dropped })
  await end(say.destination).getByRole('button', { name: say.saved }).click()
  await page.getByRole('dialog').getByText('dropped').waitFor()
})
