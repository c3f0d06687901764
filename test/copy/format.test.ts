import { describe, expect, test } from 'bun:test'
import type { TypeFacts } from '../../server/catalog/types.ts'
import { chooseFormat } from '../../server/copy/format.ts'

type Made = Partial<TypeFacts> & { oid: number; name: string }

const made: Made[] = [
  { oid: 23, name: 'int4' },
  { oid: 25, name: 'text' },
  { oid: 26, name: 'oid' },
  { oid: 142, name: 'xml' },
  { oid: 143, name: '_xml', element: 142 },
  { oid: 1007, name: '_int4', element: 23 },
  { oid: 1033, name: 'aclitem', hasBinary: false },
  { oid: 2205, name: 'regclass' },
  { oid: 2210, name: '_regclass', element: 2205 },
  { oid: 4089, name: 'regnamespace' },
  { oid: 3904, name: 'int4range', kind: 'r' },
  { oid: 4451, name: 'int4multirange', kind: 'm' },
  { oid: 2249, name: 'record', kind: 'p' },
  { oid: 5017, name: 'pg_mcv_list' },
  // In information_schema: created by initdb, with another OID in the next version.
  { oid: 13500, name: 'sql_identifier', kind: 'd', base: 25 },
  { oid: 13499, name: '_sql_identifier', element: 13500 },
  { oid: 20000, name: 'mood', kind: 'e' },
  { oid: 20001, name: '_mood', element: 20000 },
  { oid: 20002, name: 'positive', kind: 'd', base: 23 },
  { oid: 20003, name: '_positive', element: 20002 },
  { oid: 20004, name: 'numbers', kind: 'd', base: 1007 },
  { oid: 20005, name: 'very_positive', kind: 'd', base: 20002 },
  { oid: 20006, name: 'moods', kind: 'd', base: 20001 },
  { oid: 20007, name: 'tables', kind: 'd', base: 2205 },
  { oid: 20008, name: 'good_mood', kind: 'd', base: 20000 },
  { oid: 20009, name: 'moods_between', kind: 'r' },
  { oid: 20010, name: 'citext' },
  { oid: 20011, name: 'regular' },
  { oid: 20012, name: 'of_unknown', kind: 'd', base: 99999 },
]
const facts = new Map(
  made.map((type) => [type.oid, { kind: 'b', base: 0, element: 0, hasBinary: true, ...type }]),
)
const types = (...names: string[]) =>
  names.map((name) => made.find((type) => type.name === name)?.oid ?? 99999)

describe('binary where the bytes have the same meaning on both servers', () => {
  test.each<[string, ...string[]]>([
    ['base types', 'int4', 'text', 'oid'],
    ['an array of a base type', '_int4'],
    ['built-in ranges and multiranges', 'int4range', 'int4multirange'],
    ['an enum, which is sent as its label', 'mood'],
    ['a domain over a base type', 'positive'],
    ['a domain over a domain', 'very_positive'],
    ['a domain over an array of a base type', 'numbers'],
    ['a domain over an enum', 'good_mood'],
    ['a domain of information_schema', 'sql_identifier'],
  ])('%s', (_, ...names) => {
    expect(chooseFormat(types(...names), facts)).toBe('binary')
  })
})

describe('text where they may not', () => {
  test.each<[string, ...string[]]>([
    ['an array of enums, whose OID is in the bytes', '_mood'],
    ['an array of domains', '_positive'],
    ['an array of a domain of information_schema', '_sql_identifier'],
    ['a domain over an array of enums', 'moods'],
    ['names of objects, sent as their OIDs', 'regclass'],
    ['such a name of a later version', 'regnamespace'],
    ['an array of such names', '_regclass'],
    ['a domain over them', 'tables'],
    ['xml, whose declaration of the encoding would change', 'xml'],
    ['an array of xml', '_xml'],
    ['a type without a binary form', 'aclitem'],
    ['statistics of the planner', 'pg_mcv_list'],
    ['a row of any kind', 'record'],
    ["a range of the user's", 'moods_between'],
    ['a type of an extension', 'citext'],
    ['a type of which nothing is known', 'no such type'],
    ['a domain over one', 'of_unknown'],
    ['one such column among others', 'int4', 'text', 'citext'],
    ['no column at all'],
  ])('%s', (_, ...names) => {
    expect(chooseFormat(types(...names), facts)).toBe('text')
  })
})
