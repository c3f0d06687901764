// Databases in SQL_ASCII may have bytes that are not UTF-8 in definitions and comments: only those objects are not migrated.
import { expect, test } from 'bun:test'
import { decodeRaw, describeRawByte, withRawBytes } from '../../server/schema/raw-bytes.ts'
import { clone } from '../../tools/moves/clone.ts'
import { cluster } from '../../tools/servers/clusters.ts'

const ascii = (name: string) =>
  `create database ${name} encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'`
const cafe = `caf' || convert_from('\\xe9'::bytea, 'SQL_ASCII') || '`
const isCafe = `= convert_to('caf', 'SQL_ASCII') || '\\xe9'::bytea`

test('objects with invalid UTF-8 are left out, and are cloned unchanged into another database in SQL_ASCII', async () => {
  const [from, to] = [await cluster(15), await cluster(18)]
  await from.sql('postgres', ascii('raw_source'))
  await to.sql('postgres', ascii('raw_destination'))
  const [source, alike, other] = [
    from.database('raw_source'),
    to.database('raw_destination'),
    await to.createDatabase(),
  ]
  try {
    await source.sql(`
      create table whole (id int primary key, name text);
      create table checked (id int primary key, name text);
      insert into whole values (1, 'x');
      insert into checked values (1, 'x');
      do $$ begin
        execute 'comment on table whole is ''${cafe}''';
        execute 'alter table checked add check (name <> ''${cafe}'')';
        execute 'create view seen as select ''${cafe}''::text as t';
      end $$`)
    const { summary } = await clone(source, other)
    expect(summary.status).toBe('completed_with_failures')
    expect(summary.tables.map(({ name, status }) => [name, status]).sort()).toEqual([
      ['checked', 'skipped'],
      ['whole', 'completed'],
    ])
    const reasons = summary.skipped.filter(({ reason }) => reason.startsWith('its definition is not UTF-8'))
    expect(reasons.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      'COMMENT TABLE whole',
      'TABLE checked',
      'VIEW seen',
    ])
    for (const { reason } of reasons) expect(reason).toMatch(/the byte 0xe9 after ".*caf"/s)

    const { failures } = await clone(source, alike)
    expect(failures).toEqual([])
    const [found] = await alike.sql(`
      select obj_description('whole'::regclass)::bytea ${isCafe} as comment,
             (select convert_to(t, 'SQL_ASCII') ${isCafe} from seen) as view,
             (select count(*)::int from checked) as rows`)
    expect(found).toEqual({ comment: true, view: true, rows: 1 })
  } finally {
    await source.drop()
    await alike.drop()
  }
})

test('bytes are distinguished from characters, and restored', () => {
  const bytes = Buffer.concat([
    Buffer.from('é\n€ \u{1f600} '),
    Buffer.of(0xe9, 0xff, 0xc3),
    Buffer.from('\nfin'),
  ])
  const text = decodeRaw(bytes)
  expect(text).toBe('é\n€ \u{1f600} \udce9\udcff\udcc3\nfin')
  expect(withRawBytes(text)).toContain(`'\\x${bytes.toString('hex')}'`)
  expect(withRawBytes('é')).toBe('é')
  expect(describeRawByte(text)).toBe('the byte 0xe9 after "é\n€ \u{1f600} "')
})
