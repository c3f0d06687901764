// What is offered for a cause of failures: a table of errors and facts.
import { expect, test } from 'bun:test'
import { choicesFor } from '../../server/migrate/repair/choices.ts'
import type { RepairFacts, RepairTable } from '../../server/migrate/repair/facts.ts'
import type { ErrorInfo } from '../../shared/error-info.ts'
import type { FailedStep } from '../../shared/failure.ts'
import { groupByCause } from '../../shared/failure-causes.ts'
import type { RepairChoice } from '../../shared/repair-api.ts'
import { tableKey } from '../../shared/table-name.ts'

const t = { schema: 'public', name: 't' }
const part = { schema: 'public', name: 't_1' }

function table(columns: Record<string, string>, alter = t): RepairTable {
  const known = Object.entries(columns).map(
    ([name, type]) =>
      [name, { type, builtIn: !type.startsWith('public.'), inPrimaryKey: name === 'id' }] as const,
  )
  const constraints = new Map([
    ['positive', { type: 'c', definition: 'CHECK ((n > 0))' }],
    ['unproven', { type: 'c', definition: 'CHECK ((n > 0)) NOT VALID' }],
    ['once', { type: 'u', definition: 'UNIQUE (n)' }],
    ['t_pkey', { type: 'p', definition: 'PRIMARY KEY (id)' }],
  ])
  return { alter, columns: new Map(known), constraints }
}

const facts: RepairFacts = {
  user: { source: 'reader', destination: 'wri"ter' },
  database: 'shop',
  source: new Map([
    [tableKey(t), table({ id: 'bigint', n: 'numeric(12,2)', note: 'text', mood: 'public.mood' })],
    [tableKey(part), table({ note: 'character varying(50)' })],
  ]),
  destination: new Map([
    [tableKey(t), table({ id: 'integer', n: 'numeric(12,2)', note: 'character varying(5)', mood: 'text' })],
    [tableKey(part), table({ note: 'character varying(5)' }, t)],
  ]),
  roles: new Set(['reader']),
  schemas: new Set(['public']),
  extensions: { available: new Set(['citext', 'hstore']), installed: new Set(['hstore']) },
}

function offered(cause: Partial<ErrorInfo>, step: Partial<FailedStep> = {}): RepairChoice[] {
  const failure = { ...t, kind: 'ROWS', error: '', cause: { message: 'm', ...cause }, ...step }
  const [first] = groupByCause([failure])
  return first ? choicesFor(first, facts) : []
}

const named = { schema: 'public', table: 't' }

test.each([
  ['22001', { column: 'note' }, 'widen column', 'ALTER TABLE "public"."t" ALTER COLUMN "note" TYPE text'],
  ['22003', { column: 'id' }, 'widen column', 'ALTER TABLE "public"."t" ALTER COLUMN "id" TYPE bigint'],
  [
    '23514',
    { ...named, constraint: 'positive' },
    'drop constraint',
    'ALTER TABLE "public"."t" DROP CONSTRAINT "positive"',
  ],
  [
    '23505',
    { ...named, constraint: 'once' },
    'drop constraint',
    'ALTER TABLE "public"."t" DROP CONSTRAINT "once"',
  ],
  [
    '23502',
    { ...named, column: 'n' },
    'drop not null',
    'ALTER TABLE "public"."t" ALTER COLUMN "n" DROP NOT NULL',
  ],
  [
    '42704',
    { message: 'role "o\'brien "x"" does not exist' },
    'create role',
    'CREATE ROLE "o\'brien ""x""" NOLOGIN',
  ],
  ['3F000', { message: 'schema "audit" does not exist' }, 'create schema', 'CREATE SCHEMA "audit"'],
  [
    '42704',
    { message: 'type "public.citext" does not exist' },
    'create extension',
    'CREATE EXTENSION "citext"',
  ],
] as const)('%s %j: %s', (sqlstate, cause, kind, sql) => {
  const choice = offered({ sqlstate, ...cause }).find((one) => one.kind === kind)
  expect(choice?.sql).toEqual([sql])
})

test('a column of a partition is widened in the table above it', () => {
  const [widen] = offered({ sqlstate: '22001', column: 'note' }, part)
  expect(widen?.sql).toEqual(['ALTER TABLE "public"."t" ALTER COLUMN "note" TYPE character varying(50)'])
})

test('a check constraint comes back without checking the rows that are there', () => {
  const [back, still] = ['positive', 'unproven'].map((constraint) =>
    offered({ sqlstate: '23514', ...named, constraint }).find(({ kind }) => kind === 'drop constraint'),
  )
  expect(back?.afterwards).toEqual([
    'ALTER TABLE "public"."t" ADD CONSTRAINT "positive" CHECK ((n > 0)) NOT VALID',
  ])
  expect(still?.afterwards).toEqual([
    'ALTER TABLE "public"."t" ADD CONSTRAINT "unproven" CHECK ((n > 0)) NOT VALID',
  ])
})

test.each([
  ['the type of the source is no other one', { sqlstate: '22003', column: 'n' }],
  ['the type of the source may not exist there', { sqlstate: '22001', column: 'mood' }],
  ['the column is not known', { sqlstate: '22001', column: 'nothing' }],
  ['the primary key cannot be null', { sqlstate: '23502', ...named, column: 'id' }],
  ['the primary key stays', { sqlstate: '23505', ...named, constraint: 't_pkey' }],
  ['a domain refuses before there is a row', { sqlstate: '23514', constraint: 'of_a_domain' }],
  ['the role exists', { sqlstate: '42704', message: 'role "reader" does not exist' }],
  ['the extension is there', { sqlstate: '42704', message: 'type "hstore" does not exist' }],
  ['the machine does not have it', { sqlstate: '42704', message: 'type "geometry" does not exist' }],
  ['a full disk', { sqlstate: '53100' }],
  ['a lost connection', { sqlstate: '08006' }],
  ['no code', {}],
])('no statement is offered where it would not help: %s', (_, cause) => {
  expect(offered(cause).filter(({ sql }) => sql.length > 0)).toEqual([])
  expect(offered(cause).map(({ kind }) => kind)).toContain('retry')
})

test.each([
  [
    { message: 'permission denied for table t' },
    'destination',
    'GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLE "public"."t" TO "wri""ter"',
  ],
  [
    { message: 'permission denied for table t', side: 'source' as const },
    'source',
    'GRANT SELECT ON TABLE "public"."t" TO "reader"',
  ],
  [
    { message: 'permission denied for schema audit' },
    'destination',
    'GRANT USAGE, CREATE ON SCHEMA "audit" TO "wri""ter"',
  ],
  [
    { message: 'permission denied for database shop' },
    'destination',
    'GRANT CREATE ON DATABASE "shop" TO "wri""ter"',
  ],
])('a missing privilege is shown for its owner, and never run: %j', (cause, side, sql) => {
  const [grant] = offered({ sqlstate: '42501', ...cause })
  expect(grant).toEqual({ kind: 'grant', sql: [], manual: { side: side as 'source', sql: [sql] } })
})

test('a choice is offered only if it helps all failures of the cause', () => {
  const failure = (name: string, column: string) => ({
    ...{ schema: 'public', name, kind: 'ROWS', error: '' },
    cause: { message: 'too long', sqlstate: '22001', column },
  })
  const [cause] = groupByCause([failure('t', 'note'), failure('t', 'mood')])
  expect(cause && choicesFor(cause, facts).map(({ kind }) => kind)).toEqual(['retry', 'leave out'])
})
