// docs/preflight.md lists the checks that the program has.
import { expect, test } from 'bun:test'
import { checks } from '../../server/preflight/checks.ts'
import { plain, rowsBelow } from './pages.ts'

const sections = [
  'Servers',
  'Support on the destination',
  'Rights',
  'Capacity',
  'Content',
  'Existing objects and sessions',
  'Changes',
]

test('every check is listed with its title, and with when it runs', () => {
  const rows = sections.flatMap((section) => rowsBelow('preflight.md', section).slice(1))
  const documented = rows.map(([id = '', title, marks = '']) => ({
    id: plain(id),
    title,
    followOnly: marks.includes('F'),
    doctorOnly: marks.includes('D'),
  }))
  const expected = checks.map(({ id, title, followOnly = false, doctorOnly = false }) => ({
    ...{ id, title, followOnly, doctorOnly },
  }))
  const byId = (one: { id: string }, other: { id: string }) => one.id.localeCompare(other.id)
  expect(documented.sort(byId)).toEqual(expected.sort(byId))
})
