// The map in ARCHITECTURE.md matches the repository, and the linter enforces its order.
import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')
const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
const rooms = [...map.matchAll(/^ {2}(\w+)\/ /gm)].flatMap(([, room]) => room ?? [])

test('every file and folder of the map exists', () => {
  const named = [...map.matchAll(/`((?:server|shared|client|test|tools)\/[\w./-]*)`/g)].flatMap(
    ([, path]) => path ?? [],
  )
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('the map names every room of the server', () => {
  const there = readdirSync(join(root, 'server'), { withFileTypes: true })
  const folders = there.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  expect(rooms.toSorted()).toEqual(folders.toSorted())
})

interface Override {
  includes: string[]
  linter: { rules: { style: { noRestrictedImports?: { options: { patterns: { group: string[] }[] } } } } }
}

test('the linter refuses imports from every higher room', () => {
  const { overrides } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as {
    overrides: Override[]
  }
  for (const [index, room] of rooms.entries()) {
    const override = overrides.find(({ includes }) => includes.includes(`server/${room}/**`))
    const patterns = override?.linter.rules.style.noRestrictedImports?.options.patterns ?? []
    const refused = patterns.flatMap(({ group }) => group)
    const above = rooms.slice(0, index).map((one) => `**/../${one}/**`)
    expect({ room, missing: above.filter((pattern) => !refused.includes(pattern)) }).toEqual({
      room,
      missing: [],
    })
  }
})

test('command line, page and fleet start their runs only through runs/', () => {
  const above = rooms.slice(0, rooms.indexOf('runs'))
  const starts = /\bmigrate\(|\brunMigration\(|FollowRun\.(clone|continue)\(/
  const files = above.flatMap((room) => filesIn(join(root, 'server', room)))
  expect(files.length).toBeGreaterThan(100)
  expect(files.filter((path) => starts.test(readFileSync(path, 'utf8')))).toEqual([])
})

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
}
