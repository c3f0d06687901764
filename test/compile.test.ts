// The contents of the executable, and the messages of the build.
import { expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { embedding } from '../tools/compile/embedding.ts'
import { gatherLicenses } from '../tools/compile/licenses.ts'
import { checksums, compileAll, targets } from '../tools/compile/targets.ts'
import { scratchDirectory } from '../tools/servers/scratch.ts'

test('checksums are in the format of sha256sum', async () => {
  const path = join(scratchDirectory(), 'abc')
  writeFileSync(path, 'abc')
  expect(await checksums([path])).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n',
  )
})

test('a platform that cannot be built is named with its reason, and the others are built', async () => {
  const directory = join(scratchDirectory(), 'all')
  mkdirSync(directory, { recursive: true })
  const { built, failed } = await compileAll(directory, async ({ outfile, target }) => {
    if (target.includes('darwin')) throw new AggregateError([new Error('its runtime cannot be had')])
    const path = target.includes('windows') ? `${outfile}.exe` : outfile
    writeFileSync(path, target)
    return path
  })
  expect(failed.map(({ target, reason }) => `${target}: ${reason}`)).toEqual([
    'bun-darwin-x64: Error: its runtime cannot be had',
    'bun-darwin-arm64: Error: its runtime cannot be had',
  ])
  expect(built).toHaveLength(targets.length - 2)
  const sums = (await Bun.file(join(directory, 'SHA256SUMS')).text()).trim().split('\n')
  expect(sums.map((line) => line.split('  ')[1])).toEqual([
    'pgtrek-linux-x64',
    'pgtrek-linux-arm64',
    'pgtrek-linux-x64-musl',
    'pgtrek-linux-arm64-musl',
    'pgtrek-windows-x64.exe',
  ])
})

test('two files of the page with one name are refused, since one would replace the other', () => {
  const page = ['/a/icon.svg', '/b/icon.svg'].map((path) => ({ path, file: `/page${path}` }))
  expect(() => embedding(page, '')).toThrow('/b/icon.svg and /a/icon.svg')
})

test('every bundled package has its licence', () => {
  const text = gatherLicenses()
  for (const name of [
    'elysia',
    'memoirist',
    'commander',
    'pino',
    'thread-stream',
    'uplot',
    '@kobalte/core',
  ]) {
    expect(text).toContain(`\n${name} `)
  }
})
