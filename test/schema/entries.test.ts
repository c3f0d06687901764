import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../server/postgres/quote.ts'
import { type Entry, parseEntries } from '../../server/schema/entries.ts'
import { withPlainNames } from '../../server/schema/plain-names.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { dumpEntries, replay } from '../support/ddl.ts'

describe("in pg_dump's output", () => {
  test('every entry is found unchanged', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), noises, (entries, noises) => {
        expect(parseEntries(dumpOf(entries, noises))).toEqual(entries.map(expected))
      }),
      { numRuns: 500 },
    )
  })

  const label = (line: string) => parseEntries(`${header(7, line)}\nCREATE TABLE t ();\n`)[0]

  test.each([
    ['t; Type: TABLE; Schema: public; Owner: me', 't', 'TABLE', 'public', 'me'],
    ['t; Type: TABLE; Schema: public; Owner: me; Tablespace: fast', 't', 'TABLE', 'public', 'me'],
    ['s; Type: SCHEMA; Schema: -; Owner: me', 's', 'SCHEMA', undefined, 'me'],
    ['t; Type: FK CONSTRAINT; Schema: s; Owner: -', 't', 'FK CONSTRAINT', 's', undefined],
    ['plpgsql; Type: EXTENSION; Schema: -; Owner: ', 'plpgsql', 'EXTENSION', undefined, undefined],
    [
      'a; Type: TABLE; Schema: x; Type: VIEW; Schema: s; Owner: me',
      'a; Type: TABLE; Schema: x',
      'VIEW',
      's',
      'me',
    ],
    ['t; Type: TABLE; Schema: s; Owner: a; Owner: b; Tablespace: c', 't', 'TABLE', 's', 'a; Owner: b'],
    [
      'f(integer, "odd; name"); Type: FUNCTION; Schema: s; Owner: me',
      'f(integer, "odd; name")',
      'FUNCTION',
      's',
      'me',
    ],
    [
      '"f"("json", "order"); Type: FUNCTION; Schema: s; Owner: me',
      '"f"(json, "order")',
      'FUNCTION',
      's',
      'me',
    ],
    ['TABLE "t"; Type: COMMENT; Schema: s; Owner: me', 'TABLE t', 'COMMENT', 's', 'me'],
    ['"t"; Type: TABLE; Schema: s; Owner: me', '"t"', 'TABLE', 's', 'me'],
    ['something new', 'something new', 'UNKNOWN', undefined, undefined],
  ])('the header %p is understood', (line, name, kind, schema, owner) => {
    expect(label(line)).toMatchObject({ name, kind, schema, owner })
  })

  const lastOf = (statement: string) =>
    parseEntries(`${header(7, 't; Type: TABLE; Schema: s; Owner: x y')}\n${statement};\n`)[0]

  test.each([
    ['ALTER TABLE public.t OWNER TO me', 'me'],
    ['ALTER FUNCTION public."f OWNER TO x"(a integer) OWNER TO "a "" b"', 'a " b'],
    ['ALTER SCHEMA s OWNER TO "line\nbreak"', 'line\nbreak'],
    ['ALTER SCHEMA s OWNER TO "-"', '-'],
  ])('%p sets the owner and stands apart', (statement, owner) => {
    expect(lastOf(statement)).toMatchObject({ owner, ownerStatement: statement, statements: [] })
  })

  test.each([
    "ALTER TABLE public.t ADD CONSTRAINT c CHECK ((a <> 'the OWNER TO be'))",
    "ALTER DATABASE d SET search_path TO 'x OWNER TO y'",
    "COMMENT ON TABLE public.t IS 'a' OWNER TO me",
    'ALTER TABLE public.t ADD CONSTRAINT "a OWNER TO b"',
    'ALTER TABLE public.t RENAME TO "a OWNER TO ""b"""',
  ])('%p does not', (statement) => {
    expect(lastOf(statement)).toMatchObject({
      owner: 'x y',
      ownerStatement: undefined,
      statements: [statement],
    })
  })
})

test('the statements of a real dump, one after the other, create the same schema', async () => {
  const server = await cluster(15)
  const [source, target] = [await server.createDatabase(), await server.createDatabase()]
  await source.sql('create role "entries; Owner: ""x"""')
  await source.sql(oddities)
  await replay(source, target)
  const [made, remade] = await Promise.all([dumpEntries(source), dumpEntries(target)])
  const text = (entries: Entry[]) =>
    entries
      .filter(({ kind }) => !kind.startsWith('DATABASE'))
      .map(({ kind, schema, name, owner, statements }) =>
        JSON.stringify({ kind, schema, name, owner, statements }),
      )
      .sort()
  expect(text(remade)).toEqual(text(made))
  expect(made.map(({ name }) => name)).toContain('v; Type: TABLE; Schema: x')
  expect(made.find(({ name }) => name === 'owned')).toMatchObject({ owner: 'entries; Owner: "x"' })
  await source.drop()
  await target.drop()
  await server.sql('postgres', 'drop role "entries; Owner: ""x"""')
})

const oddities = `
  create schema "odd -- ; schema";
  create table "odd -- ; schema"."t ""(""; --" (id int primary key, "a;b" text default ';''--' check ("a;b" <> '
--
-- TOC entry 1 (class 1259 OID 1)
-- Name: fake; Type: TABLE; Schema: public; Owner: me
--
'));
  create view "v; Type: TABLE; Schema: x" as select '-- Name: fake; Type: VIEW; Schema: x; Owner: y' as a, 'E''\\' as b;
  create table owned (id int);
  alter table owned owner to "entries; Owner: ""x""";
  create function body() returns text language plpgsql as $outer$
begin
--
-- TOC entry 2 (class 1255 OID 2)
-- Name: fake; Type: FUNCTION; Schema: public; Owner: me
--
  return $$it's; $$ || $_$;$_$;
end $outer$;
  create function atomic(a int) returns int language sql
  begin atomic
    select case when a > 1 then (select case a when 2 then 3 else 4 end) else 5 end;
    select 1;
  end;
  create rule several as on insert to owned do also (delete from owned where id = 1; delete from owned where id = 2);
  comment on table owned is 'a;
-- TOC entry 3 (class 0 OID 0)
-- Name: fake; Type: COMMENT; Schema: -; Owner: me
\\connect elsewhere'`

type Drafted = Entry & { ownerName: string | undefined }

function header(id: number, line: string, dependencies: readonly number[] = []) {
  const needs = dependencies.length > 0 ? `-- Dependencies: ${dependencies.join(' ')}\n` : ''
  return `--\n-- TOC entry ${id} (class 1259 OID 16400)\n${needs}-- Name: ${line}\n--\n`
}

/** In pg_dump's way: settings when they change, line breaks in headers as spaces. */
function dumpOf(entries: Drafted[], noises: string[]): string {
  let text = "--\n-- PostgreSQL database dump\n--\n\n\\restrict a;'b\n\nSET statement_timeout = 0;\n"
  text += "SELECT pg_catalog.set_config('search_path', '', false);\n\n"
  let tablespace = ''
  let accessMethod = ''
  for (const [index, entry] of entries.entries()) {
    if (entry.tablespace !== tablespace) text += `SET default_tablespace = ${entry.tablespace};\n\n`
    if (entry.accessMethod !== accessMethod)
      text += `SET default_table_access_method = ${entry.accessMethod};\n\n`
    tablespace = entry.tablespace
    accessMethod = entry.accessMethod
    const shown = [entry.name, entry.kind, entry.schema ?? '-', entry.ownerName ?? ''].map((one) =>
      one.replaceAll('\n', ' '),
    )
    const line = `${shown[0]}; Type: ${shown[1]}; Schema: ${shown[2]}; Owner: ${shown[3]}`
    text += header(entry.id, line, entry.dependencies).replace(
      'class 1259 OID 16400',
      `class ${entry.classOid} OID ${entry.oid}`,
    )
    text += entry.statements.map((statement) => `\n${statement};\n`).join('\n')
    if (entry.ownerStatement) text += `\n\n${entry.ownerStatement};\n`
    text += `\n${noises[index % noises.length] ?? ''}\n`
  }
  return `${text}-- Completed on today\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict a\n`
}

function expected({ ownerName, ...entry }: Drafted): Entry {
  const spaced = (text: string) => text.replaceAll('\n', ' ')
  const name = spaced(entry.name)
  const shown = isRoutine(entry.kind) ? name.slice(0, -types.quoted.length) + types.plain : name
  return {
    ...entry,
    name: entry.kind === 'COMMENT' ? withPlainNames(name) : shown,
    schema: entry.schema === undefined ? undefined : spaced(entry.schema),
    owner: entry.ownerStatement ? ownerName : ownerName && spaced(ownerName),
  }
}

const fake =
  '--\n-- TOC entry 9 (class 1 OID 2)\n-- Dependencies: 3\n-- Name: a; Type: TABLE; Schema: b; Owner: c\n--\n'
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'ab;\'"$\\-() \nE') }),
  fc.constantFrom(fake, `x${fake}y`, '\n\\connect z\n', ' OWNER TO me', 'SET default_tablespace = fast;'),
)
const name = fc.oneof(
  text.filter((one) => one !== '' && one !== '-'),
  fc.constantFrom('plain', 't; Type: TABLE; Schema: x', 'Type: ', '; Owner: '),
)
// The text after a name in the header is ambiguous when it looks like a header itself.
const place = fc.constantFrom('public', 'odd "schema"', 'line\nbreak', 'a; b')
const owner = fc.constantFrom('me', 'odd "role"', 'two words', 'line\nbreak', 'a; Type: b')

const statementOf: Record<string, (table: string, value: string) => string> = {
  TABLE: (table, value) => `CREATE TABLE ${table} (\n    a text DEFAULT ${value}\n)`,
  VIEW: (table, value) => `CREATE VIEW ${table} AS\n SELECT ${value} AS a`,
  FUNCTION: (table, value) =>
    `CREATE FUNCTION ${table}() RETURNS text\n    AS $_a$${value.replaceAll('$', '')}$_a$`,
  RULE: (table, value) =>
    `CREATE RULE r AS\n    ON INSERT TO ${table} DO ( SELECT ${value};\n SELECT ${value};\n)`,
  COMMENT: (table, value) => `COMMENT ON TABLE ${table} IS ${value}`,
  'CHECK CONSTRAINT': (table, value) => `ALTER TABLE ${table}\n    ADD CONSTRAINT a CHECK ((a <> ${value}))`,
  PROCEDURE: (table, value) =>
    `CREATE PROCEDURE ${table}()\n    LANGUAGE sql\n    BEGIN ATOMIC\n SELECT CASE WHEN true THEN ${value} END;\n SELECT 1;\nEND`,
}

/** The name of a routine is plain, and the types of its arguments are SQL. */
const types = { quoted: '("json", "Odd ""type", integer)', plain: '(json, "Odd ""type", integer)' }
const isRoutine = (kind: string) => ['FUNCTION', 'PROCEDURE', 'AGGREGATE'].includes(kind)

const entry: fc.Arbitrary<Drafted> = fc
  .record({
    id: fc.nat(),
    classOid: fc.nat(),
    oid: fc.nat(),
    dependencies: fc.array(fc.nat(), { maxLength: 4 }),
    kind: fc.constantFrom(...Object.keys(statementOf)),
    schema: fc.option(place, { nil: undefined }),
    name,
    ownerName: fc.option(owner, { nil: undefined }),
    values: fc.array(text, { maxLength: 3 }),
    tablespace: fc.constantFrom("''", 'fast', '"odd; name"'),
    accessMethod: fc.constantFrom('heap', '"Columnar"'),
    hasOwnerStatement: fc.boolean(),
  })
  .map(({ values, hasOwnerStatement, ...draft }) => {
    const object = quoteQualified(draft.schema ?? 'public', draft.name)
    const statements = values.map((value) => statementOf[draft.kind]?.(object, quoteLiteral(value)) ?? '')
    const ownerStatement =
      hasOwnerStatement && draft.ownerName !== undefined
        ? `ALTER ${draft.kind} ${object} OWNER TO ${quoteIdentifier(draft.ownerName)}`
        : undefined
    const name = isRoutine(draft.kind) ? draft.name + types.quoted : draft.name
    return { ...draft, name, owner: draft.ownerName, statements, ownerStatement }
  })

/** Text between entries that belongs to none. */
const noises = fc.array(
  fc.constantFrom(
    '',
    '-- *not* creating schema, since initdb creates it\n',
    '\\connect "a;\n\nSET statement_timeout = 0;\nSET row_security = off;\n',
    '/* -- TOC entry 3 (class 1 OID 2)\n-- Name: a; Type: TABLE; Schema: b; Owner: c\n*/',
  ),
  { minLength: 1, maxLength: 4 },
)
