// The scripts of docs/api.md work as printed.
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writtenClient } from '../../server/api/typescript/written-client.ts'
import { within } from '../../tools/eventually.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { startApi } from '../support/api.ts'

const docs = readFileSync(join(import.meta.dir, '../../docs/api.md'), 'utf8')

function snippet(language: string, holding: string): string {
  const blocks = [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => text,
  )
  return blocks.find((text) => text.includes(holding)) ?? ''
}

async function databases() {
  const [old, fresh] = await Promise.all([cluster(14), cluster(18)])
  const [source, destination] = [await old.createDatabase(), await fresh.createDatabase()]
  await source.sql('create table t (id int primary key); insert into t select generate_series(1, 1000)')
  await destination.sql('create table t (id int primary key); insert into t values (7)')
  return { source, destination }
}

/** Replaces servers and port with those of the test, and shortens the pause of two seconds. */
function pointed(text: string, base: string, { source, destination }: Awaited<ReturnType<typeof databases>>) {
  return text
    .replaceAll('postgres://me:secret@old/shop', source.url)
    .replaceAll('postgres://me:secret@new/shop', destination.url)
    .replaceAll('http://localhost:8080', base.replace(/\/$/, ''))
    .replaceAll('sleep 2', 'sleep 0.1')
}

/** The output of a script that succeeds without errors. */
async function wordsOf(child: Bun.Subprocess<Bun.SpawnOptions.Writable, 'pipe', 'pipe'>): Promise<string> {
  const text = (stream: ReadableStream) => new Response(stream).text()
  const [said, complained, code] = await within(
    'the end of the script',
    Promise.all([text(child.stdout), text(child.stderr), child.exited]),
  )
  expect({ code, complained: complained.trim() }).toEqual({ code: 0, complained: '' })
  return said
}

test.skipIf(!Bun.which('jq') || !Bun.which('curl'))('the one in curl, after the answer yes', async () => {
  await using api = await startApi()
  const ends = await databases()
  const script = pointed(snippet('bash', 'set -euo'), api.server.url, ends)
  const child = Bun.spawn(['bash', '-c', script], {
    stdin: new Blob(['yes\n']),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const said = await wordsOf(child)
  expect(said).toContain('truncate: public t')
  expect(said).toContain('"completed"')
  expect(await ends.destination.sql('select count(*)::int as n from t')).toEqual([{ n: 1000 }])
})

test('the one in TypeScript, with the client that is written', async () => {
  await using api = await startApi()
  const ends = await databases()
  const directory = join(scratchDirectory(), `docs-${process.pid}`)
  await Bun.write(join(directory, 'pgtrek.ts'), writtenClient())
  await Bun.write(join(directory, 'run.ts'), pointed(snippet('ts', './pgtrek.ts'), api.server.url, ends))
  const child = Bun.spawn([process.execPath, 'run.ts'], { cwd: directory, stdout: 'pipe', stderr: 'pipe' })
  const said = await wordsOf(child)
  expect(said).toContain('truncate t')
  expect(said).toContain('100% ')
  expect(said).toContain('completed []')
  expect(await ends.destination.sql('select count(*)::int as n from t')).toEqual([{ n: 1000 }])
})
