// With TLS, all connections use it: catalogs, pg_dump, rows and cancel requests.
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clone } from '../../tools/moves/clone.ts'
import { cluster } from '../../tools/servers/clusters.ts'

const certificates = join(import.meta.dir, '../support/certificates')
const read = (name: string) => readFileSync(join(certificates, name), 'utf8')

const server = () =>
  cluster(17, {
    ssl: { cert: read('server.crt'), key: read('server.key') },
    // The tests' own sessions use the role postgres; the clone uses a role that requires TLS.
    hba: 'host all postgres 127.0.0.1/32 trust\nhostssl all mover 127.0.0.1/32 trust\n',
  })

test('a clone between servers that accept only TLS, with verified names and certificates', async () => {
  const both = await server()
  await both.sql('postgres', 'drop role if exists mover; create role mover superuser login')
  const source = await both.createDatabase()
  const destination = await both.createDatabase()
  await source.sql(`
    create table t (id int primary key, v text);
    insert into t select i, repeat('v', 500) from generate_series(1, 20000) i;
    select lo_from_bytea(0, decode(repeat('ab', 400000), 'hex'));`)
  const secure = (name: string) => ({
    url: `postgres://mover@localhost:${both.port}/${name}?sslmode=verify-full&sslrootcert=${encodeURIComponent(join(certificates, 'ca.crt'))}`,
  })
  await destination.sql('create table seen (ssl bool, user_name text)')
  const look = {
    on: 'destination',
    sql: `insert into public.seen select ssl, usename from pg_stat_ssl join pg_stat_activity using (pid)
           where application_name = 'pgtrek'`,
  } as const
  const { failures } = await clone(secure(source.name), secure(destination.name), {
    options: { splitBytes: 2 * 1024 * 1024 },
    hooks: [
      { when: 'before', phase: 'data', run: look },
      { when: 'after', phase: 'data', run: look },
    ],
  })
  expect(failures).toEqual([])
  // Connections of both servers, those of the copy workers included.
  const seen = await destination.sql('select ssl, user_name, count(*) > 5 as many from seen group by 1, 2')
  expect(seen).toEqual([{ ssl: true, user_name: 'mover', many: true }])
  const check = `select count(*), md5(string_agg(v, '' order by id)) from t`
  expect(await destination.sql(check)).toEqual(await source.sql(check))
})
