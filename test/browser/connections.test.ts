// The first step: what is pasted, connection tests, saved connections, profiles, files.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { type PageServer, startPageServer } from '../../tools/page-server.ts'
import { type Cluster, cluster, type TestDatabase } from '../../tools/servers/clusters.ts'
import { browser } from '../support/browser.ts'
import { barriers, stepCheck, type Visit, visit, words } from './visitor.ts'

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
  await source.getByText('“mysql” is not PostgreSQL').waitFor()

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

test('whatever is pasted fills the fields, without its password, and what is not used is named', async () => {
  const source = end(say.source)
  const field = source.getByLabel(say.url)
  await field.fill('PGPASSWORD=s3cret psql -h db.example -p 5433 -U jo -v x=1 shop')
  await source.getByText('Not used: -v').waitFor()
  expect(await field.inputValue()).toBe('postgres://jo:*****@db.example:5433/shop')
  expect(await source.getByLabel(say.password, { exact: true }).inputValue()).toBe('s3cret')

  await field.fill(
    'postgresql://postgres.abcdefghijklmnopqrst:[YOUR-PASSWORD]@aws-0-x.pooler.supabase.com:6543/postgres',
  )
  await source.getByText('Enter: Password').waitFor()
  await source.getByRole('button', { name: 'Use postgres@db.abcdefghijklmnopqrst.supabase.co:5432' }).click()
  expect(await source.getByLabel(say.user, { exact: true }).inputValue()).toBe('postgres')
  await source.getByText('Supabase: this is the address').waitFor({ state: 'detached' })

  await field.fill('DATABASE_URL=postgres://jo:s3cret@pool/shop\nDIRECT_URL=postgres://jo:s3cret@direct/shop')
  const choice = source.getByRole('region', { name: 'The text has 2 connections' })
  expect(await choice.textContent()).not.toContain('s3cret')
  expect(await barriers(page)).toEqual([])
  await choice.getByRole('button', { name: 'DIRECT_URL' }).click()
  expect(await source.getByLabel(say.host).inputValue()).toBe('direct')

  await field.fill('nothing of use')
  await source.getByText(say.nothingRead).waitFor()
  // It may contain a password: it does not stay.
  await field.press('Tab')
  expect(await field.inputValue()).toBe('postgres://jo:*****@direct/shop')
  await page.getByRole('button', { name: say.swap }).click()
  expect(await end(say.destination).getByLabel(say.url).inputValue()).toBe('postgres://jo:*****@direct/shop')
})

test('everything that was entered but passwords survives a reload', async () => {
  const source = end(say.source)
  await source
    .getByLabel(say.url)
    .fill(
      'host=db user=jo password=s3cret dbname=shop sslmode=verify-ca sslrootcert=/ca.pem connect_timeout=7',
    )
  await source.getByText(say.moreWith.replace('{{mode}}', 'verify-ca')).click()
  await source.getByLabel(say.options).fill('-c statement_timeout=0')
  await page.reload()
  await source.getByText(say.passwordLost).waitFor()
  await source.getByText(say.moreWith.replace('{{mode}}', 'verify-ca')).click()
  expect(await source.getByLabel(say.sslMode).inputValue()).toBe('verify-ca')
  expect(await source.getByLabel(say.sslRootCert).inputValue()).toBe('/ca.pem')
  expect(await source.getByLabel(say.connectTimeout).inputValue()).toBe('7')
  expect(await source.getByLabel(say.options).inputValue()).toBe('-c statement_timeout=0')
})

test.each([
  { language: 'en', width: 1440, dark: false },
  { language: 'ja', width: 390, dark: true },
] as const)('a destination that does not exist is created: $language, $width wide', async (look) => {
  const { language } = look
  const all = words[language]
  const own = all.connections
  await using visitor = await visit(chromium, server.url, look)
  const check = stepCheck(visitor.page, 'connections', language, true)
  const form = (name: string) => visitor.page.getByRole('form', { name })
  await check('empty')
  expect(await visitor.page.getByRole('button', { name: all.app.next }).isDisabled()).toBe(true)
  await visitor.page.getByText(own.needSource).waitFor()
  const name = `new ${language} ${Date.now()}`
  const to = form(own.destination)
  await to.getByLabel(own.url).fill(postgres.url(name))
  await to.getByRole('button', { name: own.test }).click()
  await to.getByText(own.create.needSource).waitFor()
  await form(own.source).getByLabel(own.url).fill(database.url)
  await form(own.source).getByRole('button', { name: own.test }).click()
  await to.getByRole('button', { name: own.create.start }).click()
  const confirm = to.getByRole('button', { name: own.create.confirm.replace('{{name}}', name) })
  await confirm.waitFor()
  await check('create')
  expect(await to.locator('pre').textContent()).toStartWith(`create database "${name}" template template0`)
  await confirm.click()
  await to.getByText('PostgreSQL 17').waitFor()
  try {
    await visitor.page
      .getByRole('region', { name: all.preflight.title })
      .getByText(all.preflight.verdict.ok)
      .waitFor()
    await check('created')
  } finally {
    await postgres.sql('postgres', `drop database "${name}" with (force)`)
  }
  expect(visitor.complaints).toEqual([])
})

async function openProfiles() {
  await page.getByRole('button', { name: say.profiles }).click()
  return page.getByRole('dialog', { name: say.profiles })
}

test('a profile restores everything, and its password without showing it', async () => {
  const source = end(say.source)
  await source.getByLabel(say.url).fill(database.url)
  let profiles = await openProfiles()
  const name = 'every night? 100% #1'
  await profiles.getByLabel(say.savedName).fill(name)
  await profiles.getByLabel(say.profilePasswords).check()
  await profiles.getByRole('button', { name: say.profileSave }).click()
  await profiles.getByText(name, { exact: true }).waitFor()

  await page.reload()
  await source.getByText(say.passwordLost).waitFor()
  profiles = await openProfiles()
  expect(await barriers(page)).toEqual([])
  await profiles.getByRole('button', { name: `Use ${name}` }).click()
  await profiles.waitFor({ state: 'detached' })
  // The profile is loaded with its password.
  await source.getByText(say.passwordLost).waitFor({ state: 'hidden' })
  await source.getByRole('button', { name: say.test }).click()
  await source.getByText(`PostgreSQL ${postgres.major}`).waitFor()
  expect(await source.getByLabel(say.password, { exact: true }).inputValue()).toBe('')
  await openProfiles()
  await profiles.getByRole('button', { name: `Remove ${name}` }).click()
  await profiles.getByText(say.profilesEmpty).waitFor()
})

test('a file of connections can be chosen, or dropped on the page', async () => {
  const profiles = await openProfiles()
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
  await page.keyboard.press('Escape')
  await profiles.waitFor({ state: 'detached' })
  await end(say.source).getByRole('button', { name: say.saved }).click()
  await page.getByRole('dialog').getByText('from a file').waitFor()
  await page.keyboard.press('Escape')

  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer()
    const list = JSON.stringify([{ name: 'dropped', host: 'h', database: 'd' }])
    transfer.items.add(new File([list], 'list.json', { type: 'application/json' }))
    return transfer
  })
  await page.getByRole('region', { name: say.title }).dispatchEvent('drop', { dataTransfer: dropped })
  await profiles.getByText('Imported').waitFor()
  await page.keyboard.press('Escape')
  await end(say.destination).getByRole('button', { name: say.saved }).click()
  await page.getByRole('dialog').getByText('dropped').waitFor()
})
