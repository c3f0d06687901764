// Every way of writing a connection, with any password, is read as it was written.
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { emptyEnd, formatUrl, mask } from '../../../client/state/connection-url.ts'
import { isPlaceholder } from '../../../client/state/paste/pasted.ts'
import { readPasted } from '../../../client/state/paste/read.ts'

interface Written {
  host: string
  port: string
  database: string
  user: string
  password: string
}

const text = fc
  .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 14 })
  .filter((one) => one.trim() === one && !isPlaceholder(one) && one !== mask)
const written = fc.record({
  host: fc.constantFrom('db.example', '10.0.0.1', '/var/run/postgresql'),
  port: fc.integer({ min: 1, max: 65535 }).map(String),
  database: text,
  user: text,
  password: text,
})

const shell = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`
const libpq = (value: string) => `'${value.replaceAll(/[\\']/g, '\\$&')}'`
const dotNet = (value: string) => `"${value.replaceAll('"', '""')}"`
const double = (value: string) => `"${value.replaceAll(/[\\"$`]/g, '\\$&')}"`

const spellings: Record<string, (one: Written) => string> = {
  URL: (one) => formatUrl({ ...emptyEnd(), fields: { ...emptyEnd().fields, ...one } }, { masked: false }),
  'key=value': ({ host, port, database, user, password }) =>
    `host=${libpq(host)} port=${port} dbname=${libpq(database)} user=${libpq(user)} password=${libpq(password)}`,
  psql: ({ host, port, database, user, password }) =>
    `PGPASSWORD=${shell(password)} psql -h ${host} -p ${port} --username=${shell(user)} -d ${shell(libpqDatabase(database))}`,
  '.NET': ({ host, port, database, user, password }) =>
    `Host=${host};Port=${port};Database=${dotNet(database)};Username=${dotNet(user)};Password=${dotNet(password)}`,
  variables: ({ host, port, database, user, password }) =>
    `PGHOST=${host}\nPGPORT=${port}\nexport PGDATABASE=${double(database)}\nPGUSER=${double(user)}\nPGPASSWORD=${double(password)}`,
  JSON: ({ port, ...rest }) => JSON.stringify({ ...rest, port: Number(port) }),
}

/** A database with `=` or `:` in its name has to be written as key=value for psql. */
function libpqDatabase(name: string): string {
  return /[=:]/.test(name) ? `dbname=${libpq(name)}` : name
}

test.each(Object.keys(spellings))('%s', (kind) => {
  fc.assert(
    fc.property(written, (one) => {
      const answer = readPasted(spellings[kind]?.(one) ?? '')
      if ('problem' in answer) throw new Error(JSON.stringify(answer.problem))
      expect(answer.found.map(({ end }) => end)).toEqual([
        { ...emptyEnd(), fields: { ...emptyEnd().fields, ...one } },
      ])
    }),
  )
})

test('no text makes it fail, and no name of an unused part has a value in it', () => {
  const secret = 'S3CRET'
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), fc.nat(60), (around, at) => {
      const answer = readPasted(`${around.slice(0, at)} password='${secret}' ${around.slice(at)}`)
      if ('problem' in answer) return
      for (const { unused } of answer.found) expect(unused.join()).not.toContain(secret)
    }),
  )
})
