// The statements that make one table like another, and which of them can lose something. Needs no server.
import { describe, expect, test } from 'bun:test'
import { alterTable, isWider } from '../../server/compare/sync-table.ts'

const table = (...lines: string[]) => `CREATE TABLE "public"."t" (\n    ${lines.join(',\n    ')}\n)`
const id = '"id" integer NOT NULL'

describe('a table is altered', () => {
  test.each([
    [
      'a new column',
      [id, '"a" "text" DEFAULT \'x, y\'::"text" NOT NULL'],
      [id],
      ['ALTER TABLE "public"."t" ADD COLUMN "a" "text" DEFAULT \'x, y\'::"text" NOT NULL'],
      [],
    ],
    [
      'a column of the destination',
      [id],
      [id, '"a" "text"'],
      ['ALTER TABLE "public"."t" DROP COLUMN "a"'],
      ['column public.t.a'],
    ],
    [
      'a wider type',
      [id, '"n" numeric(12,2)'],
      [id, '"n" numeric(10,2)'],
      ['ALTER TABLE "public"."t" ALTER COLUMN "n" TYPE numeric(12,2) USING "n"::numeric(12,2)'],
      [],
    ],
    [
      'a narrower type with a default',
      [id, '"n" smallint DEFAULT 1'],
      [id, '"n" integer DEFAULT 2'],
      [
        'ALTER TABLE "public"."t" ALTER COLUMN "n" DROP DEFAULT',
        'ALTER TABLE "public"."t" ALTER COLUMN "n" TYPE smallint USING "n"::smallint',
        'ALTER TABLE "public"."t" ALTER COLUMN "n" SET DEFAULT 1',
      ],
      ['type public.t.n'],
    ],
    ['NOT NULL', [id], ['"id" integer'], ['ALTER TABLE "public"."t" ALTER COLUMN "id" SET NOT NULL'], []],
    [
      'a changed check',
      [id, 'CONSTRAINT "c" CHECK (("id" > 1))'],
      [id, 'CONSTRAINT "c" CHECK (("id" > 0))'],
      [
        'ALTER TABLE "public"."t" DROP CONSTRAINT "c"',
        'ALTER TABLE "public"."t" ADD CONSTRAINT "c" CHECK (("id" > 1))',
      ],
      ['object public.t.c'],
    ],
  ])('for %s', (_, source, destination, sql, destroys) => {
    const sync = alterTable(table(...source), table(...destination))
    expect(sync?.sql).toEqual(sql)
    expect(sync?.destroys.map(({ what, name }) => `${what} ${name}`)).toEqual(destroys)
  })

  test.each([
    ['partitioning', `${table(id)}\nPARTITION BY LIST ("id")`, table(id)],
    ['inheritance', `${table(id)}\nINHERITS ("public"."p")`, table(id)],
    ['the order of columns', table(id, '"a" "text"'), table('"a" "text"', id)],
    ['a generated column', table('"a" integer GENERATED ALWAYS AS ((1 + 1)) STORED'), table('"a" integer')],
    ['a tablespace', `SET default_tablespace = 'fast';\n${table(id)}`, table(id)],
    [
      'a setting that only the destination has',
      table(id),
      `${table(id)};\nALTER TABLE ONLY "public"."t" REPLICA IDENTITY FULL`,
    ],
  ])('by hand for %s', (_, source, destination) => {
    expect(alterTable(source, destination)).toBeUndefined()
  })
})

test.each([
  ['integer', 'bigint', true],
  ['bigint', 'integer', false],
  ['integer', 'numeric', true],
  ['numeric(10,2)', 'numeric', true],
  ['numeric', 'numeric(10,2)', false],
  ['numeric(10,2)', 'numeric(12,4)', false],
  ['character varying(10)', 'character varying(20)', true],
  ['character varying(20)', 'character varying(10)', false],
  ['character varying(20)', 'text', true],
  ['text', 'character varying', false],
  ['timestamp with time zone', 'date', false],
])('%s to %s keeps every value: %s', (from, to, keeps) => {
  expect(isWider(from, to)).toBe(keeps)
})
