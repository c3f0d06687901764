// Everything goes through TLS when it is asked for: catalogs, pg_dump, rows and cancels.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clone } from '../support/clone.ts'
import { cluster } from '../support/clusters.ts'

// Servers have to start.
setDefaultTimeout(120_000)

const certificates = join(import.meta.dir, '../support/certificates')
const read = (name: string) => readFileSync(join(certificates, name), 'utf8')

const server = () =>
  cluster(17, {
    ssl: { cert: read('server.crt'), key: read('server.key') },
    // The tests' own helpers come as postgres; the clone as somebody who must use TLS.
    hba: 'host all postgres 127.0.0.1/32 trust\nhostssl all mover 127.0.0.1/32 trust\n',
  })

test('a clone between servers that take nothing else, names and certificates checked', async () => {
  const both = await server()
  await both.sql('postgres', 'drop role if exists mover; create role mover superuser login')
  const source = await both.createDatabase()
  const destination = await both.createDatabase()
  await source.sql(`
    create table t (id int primary key, v text);
    insert into t select i, repeat('v', 500) from generate_series(1, 60000) i;
    select lo_from_bytea(0, decode(repeat('ab', 400000), 'hex'));`)
  const secure = (name: string) => ({
    url: `postgres://mover@localhost:${both.port}/${name}?sslmode=verify-full&sslrootcert=${encodeURIComponent(join(certificates, 'ca.crt'))}`,
  })
  const encrypted: boolean[] = []
  const asking: Promise<void>[] = []
  const { failures } = await clone(secure(source.name), secure(destination.name), {
    options: { splitBytes: 4 * 1024 * 1024 },
    onEvent(event) {
      if (event.type !== 'rows') return
      asking.push(
        both
          .sql<{ ssl: boolean }>(
            'postgres',
            `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'pgtrek'`,
          )
          .then((rows) => void encrypted.push(...rows.map((row) => row.ssl))),
      )
    },
  })
  await Promise.all(asking)
  expect(failures).toEqual([])
  expect(encrypted.length).toBeGreaterThan(0)
  expect(encrypted).not.toContain(false)
  const check = `select count(*), md5(string_agg(v, '' order by id)) from t`
  expect(await destination.sql(check)).toEqual(await source.sql(check))
})
