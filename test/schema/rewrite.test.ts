import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { quoteIdentifier, quoteLiteral } from '../../server/postgres/quote.ts'
import { granteeOf, possibleGrants, renameDatabase } from '../../server/schema/rewrite.ts'

const anyName = fc.string({ minLength: 1, unit: fc.constantFrom(...'ab "\'$;\n()E\\') })
const trap = fc.constantFrom('x TO y', 'x TO "y"', 'a FROM b WITH GRANT OPTION', 'DATABASE', 'PUBLIC', 'a;b')
const name = fc.oneof(anyName, trap)

describe('a statement about the database names the destination', () => {
  test.each([
    ['ALTER DATABASE here SET work_mem TO 1', 'ALTER DATABASE "there" SET work_mem TO 1'],
    ['ALTER DATABASE "my DATABASE x" IS_TEMPLATE = true', 'ALTER DATABASE "there" IS_TEMPLATE = true'],
    [
      'ALTER ROLE "DATABASE" IN DATABASE here SET a TO b',
      'ALTER ROLE "DATABASE" IN DATABASE "there" SET a TO b',
    ],
    [
      "COMMENT ON DATABASE here IS 'the DATABASE here'",
      'COMMENT ON DATABASE "there" IS \'the DATABASE here\'',
    ],
    ['GRANT ALL ON DATABASE here TO database', 'GRANT ALL ON DATABASE "there" TO database'],
    ["SECURITY LABEL FOR p ON DATABASE here IS 'x'", 'SECURITY LABEL FOR p ON DATABASE "there" IS \'x\''],
    ['SELECT 1', 'SELECT 1'],
  ])('%p', (statement, renamed) => {
    expect(renameDatabase(statement, 'there')).toBe(renamed)
  })

  test('with any names of both', () => {
    fc.assert(
      fc.property(name, name, name, (role, here, there) => {
        const about = (database: string) =>
          `ALTER ROLE ${quoteIdentifier(role)} IN DATABASE ${quoteIdentifier(database)} SET a TO ${quoteLiteral(here)}`
        expect(renameDatabase(about(here), there)).toBe(about(there))
      }),
    )
  })
})

describe('the role of a grant is the last name', () => {
  test.each([
    ['GRANT SELECT ON TABLE public.t TO bob', 'bob'],
    ['GRANT SELECT(a),UPDATE(b) ON TABLE public.t TO "two words" WITH GRANT OPTION', 'two words'],
    ['REVOKE ALL ON FUNCTION public.f(a integer) FROM PUBLIC', undefined],
    ['GRANT ALL ON TABLE public.t TO "PUBLIC"', 'PUBLIC'],
    ['ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT ALL ON TABLES TO "b ""c"""', 'b "c"'],
    ['SET SESSION AUTHORIZATION bob', undefined],
    ['RESET SESSION AUTHORIZATION', undefined],
  ])('%p', (statement, role) => {
    expect(granteeOf(statement)).toBe(role as string)
  })

  test('with any names of it and the object', () => {
    fc.assert(
      fc.property(name, name, fc.constantFrom('', ' WITH GRANT OPTION'), (table, role, option) => {
        const [object, grantee] = [quoteIdentifier(table), quoteIdentifier(role)]
        expect(granteeOf(`GRANT ALL ON TABLE public.${object} TO ${grantee}${option}`)).toBe(role)
        expect(granteeOf(`REVOKE ALL ON TABLE public.${object} FROM ${grantee}`)).toBe(role)
        expect(granteeOf(`GRANT ALL ON TABLE public.${object} TO plain${option}`)).toBe('plain')
      }),
      { numRuns: 1000 },
    )
  })
})

test('grants by, to and for roles that cannot be used are left out, the others stay', () => {
  const unusable = new Set(['gone', 'go ne'])
  const statements = [
    'GRANT SELECT ON TABLE public.t TO here',
    'GRANT SELECT ON TABLE public.t TO "go ne" WITH GRANT OPTION',
    'SET SESSION AUTHORIZATION gone',
    'GRANT SELECT ON TABLE public.t TO other',
    'RESET SESSION AUTHORIZATION',
    'SET SESSION AUTHORIZATION here',
    'GRANT SELECT ON TABLE public.t TO other',
    'RESET SESSION AUTHORIZATION',
    'ALTER DEFAULT PRIVILEGES FOR ROLE gone IN SCHEMA s GRANT ALL ON TABLES TO here',
    'GRANT ALL ON TABLE public.t TO PUBLIC',
  ]
  expect(possibleGrants(statements, unusable)).toEqual([0, 5, 6, 7, 9].map((at) => statements[at] as string))
})
