// The workload's table with a column of every common type, and rows for it.
import type { Random } from '../random.ts'

export const workloadTypes = `
  create type mood as enum ('sad', 'ok', 'happy');
  create domain positive as int check (value > 0);
  create type spot as (x int, y text);`

export function kindTable(exotic: boolean): string {
  return `
    create table kind (
      id serial primary key, i2 int2, i8 int8, f4 float4, f8 float8, b bool, ba bytea, j json, jb jsonb, u uuid,
      d date, t time, ts timestamp, iv interval, ip inet, ia int[], ta text[], r int4range, p point, bi bit(5), m money,
      tz timetz, vb varbit, ma macaddr, ci cidr, tv tsvector, ch char(10), vc varchar(40), n numeric, c "char", o oid,
      dr daterange, tr tstzrange, nr numrange, tza timestamptz[], ja jsonb[], baa bytea[], na numeric[], ua uuid[],
      bx box, ls lseg, cc circle, po polygon, jp jsonpath, nm name
      ${exotic ? ', e mood, ea mood[], dm positive, cm spot' : ''});`
}

export function kindRow(random: Random, exotic: boolean, maybe: (sql: string) => string): string {
  const number = random.below(30_000)
  const values = [
    `${number}`,
    `${number} * 1000000000::int8`,
    `(${number} / 7.0)::float4`,
    random.chance(0.1) ? "'NaN'" : `${number} / 7.0`,
    'true',
    `decode(md5('${number}'), 'hex')`,
    `'{"a":  [1, null, "x\\\\u00e9"], "n": ${number}}'`,
    `'{"b": {"c": ${number}}}'`,
    `md5('${number}')::uuid`,
    `date '2000-01-01' + ${number}`,
    `time '12:34:56.789012'`,
    random.chance(0.1)
      ? "'infinity'"
      : `timestamp '2020-02-29 23:59:59.123456' + ${number} * interval '1 second'`,
    `interval '1 mon -3 days 04:05:06.7' * ${number % 9}`,
    `'10.0.${number % 250}.1/24'`,
    `array[${number}, null, 3]`,
    `array['a,b', '"q"', null, E'\\\\']`,
    `int4range(${number}, ${number + 5})`,
    `point(${number} / 3.0, 1)`,
    "B'10101'",
    `${number}::int::money`,
    `timetz '23:59:59.5+05:30'`,
    `B'1'::varbit || ${number}::bit(16)::varbit`,
    `'08:00:2b:01:02:${(number % 90) + 10}'`,
    `'10.${number % 250}.0.0/16'`,
    `to_tsvector('simple', 'a fat cat ${number}')`,
    "'padded'",
    `'Grüße ${number}'`,
    ['1e-20', "'NaN'", '123456789012345678901234567890.5', '-0.000', '1e100'][number % 5] ?? '0',
    "'x'",
    `${number}`,
    number % 7 === 0 ? "'empty'" : `daterange(date '2000-01-01', date '2000-01-01' + ${number})`,
    `tstzrange(now(), null, '[)')`,
    `numrange(0.1, ${number + 1}, '[]')`,
    `array[now(), null, 'infinity']`,
    `array['{"a": 1}', null]::jsonb[]`,
    `array['\\x00ff', '']::bytea[]`,
    `array[1.0, 1.00, null, 'NaN']`,
    `array[md5('${number}')::uuid]`,
    `box(point(0, 0), point(1, ${number} / 3.0))`,
    `lseg(point(0, 0), point(1, 2))`,
    `circle(point(0, 0), 2.5)`,
    `polygon '((0,0),(1,1),(2,0))'`,
    `'$.a[*] ? (@ > ${number})'`,
    "'name'",
    ...(exotic
      ? ["'ok'", "array['sad', 'happy']::mood[]", `${number + 1}`, `row(${number}, 'y')::spot`]
      : []),
  ]
  const names = `i2, i8, f4, f8, b, ba, j, jb, u, d, t, ts, iv, ip, ia, ta, r, p, bi, m, tz, vb, ma, ci, tv, ch, vc, n, c, o, dr, tr, nr, tza, ja, baa, na, ua, bx, ls, cc, po, jp, nm${exotic ? ', e, ea, dm, cm' : ''}`
  return `insert into kind (${names}) values (${values.map(maybe).join(', ')})`
}
