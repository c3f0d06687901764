// Notes about suspended objects contain SQL that is run later, so only notes of trusted roles are run.
import { expect, test } from 'bun:test'
import { makeHome } from '../../tools/command.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster } from '../../tools/servers/clusters.ts'

test('a note that another role has written is not run, is reported, and is kept', async () => {
  const server = await cluster(17)
  const source = await (await cluster(15)).createDatabase()
  const destination = await server.createDatabase()
  const planter = `planter_${crypto.randomUUID().slice(0, 8)}`
  await server.sql('postgres', `create role ${planter} login password 'postgres'`)
  await destination.sql(
    `create table victim (id int primary key); grant create on database "${destination.name}" to ${planter}`,
  )
  const note = {
    kind: 'foreign key',
    foreignKey: {
      name: 'k',
      table: { schema: 'public', name: 'victim' },
      referenced: { schema: 'public', name: 'victim' },
      definition: `check (true); alter role ${planter} superuser`,
      validated: false,
    },
  }
  const planting = destination.connect({ user: planter })
  await planting.unsafe(`
    create schema pgtrek;
    create table pgtrek.taken_away (id bigint primary key, run text not null, writer text not null, saved text not null);
    insert into pgtrek.taken_away values (1, 'r', 'w', '${JSON.stringify(note)}')`)
  await planting.end()
  using home = makeHome()
  const repaired = await home.run(['repair', '--dest', destination.url])
  expect([repaired.code, repaired.said]).toEqual([1, expect.stringContaining(`belongs to role ${planter}`)])
  const status = await home.run(['status', '--dest', destination.url])
  expect([status.code, status.output]).toEqual([1, expect.stringContaining(`belongs to role ${planter}`)])
  await source.sql('create table other (id int primary key)')
  const { failures, summary } = await clone(source, destination)
  expect(failures).toEqual([])
  expect(summary.warnings.join()).toContain(`belongs to role ${planter}`)
  expect(await destination.sql('select id from pgtrek.taken_away')).toHaveLength(1)
  expect(await server.sql('postgres', `select rolsuper from pg_roles where rolname = '${planter}'`)).toEqual([
    { rolsuper: false },
  ])
  await destination.sql(`drop owned by ${planter} cascade`)
  await server.sql('postgres', `drop role ${planter}`)
})
