// What a test leaves behind is a failure of its own, and nothing that the next one finds.
import { expect, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { runVariable } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { runFiles } from '../../tools/test-run/run.ts'

test('sessions, processes, settings and prepared transactions', async () => {
  const [report] = await runFiles(['test/support/fixtures/leaves.fixture.ts'], {
    root: join(import.meta.dir, '../..'),
    directory: mkdtempSync(join(scratchDirectory(), 'leaves-')),
    options: [],
    // Servers of its own, and no patience with what is left on purpose.
    environment: { [runVariable]: '', PATIENCE_WITH_LEFTOVERS_MS: '200' },
    output: 'ignore',
  })
  expect(report?.passed).toBe(3)
  const failures = report?.failed.map(({ test, message }) => `${test}: ${message}`)
  expect(failures).toEqual([
    expect.stringMatching(
      /^leaves a session: .*This test left behind:\n {2}session .*left_open.*'left behind'/,
    ),
    expect.stringMatching(/^leaves a process: .*This test left behind:\n {2}process \d+: sleep 600/),
    expect.stringMatching(
      /^leaves a setting of the server: .*left behind:\n {2}alter system set work_mem = '5MB'/,
    ),
    expect.stringMatching(
      /^leaves a prepared transaction: .*left behind:\n {2}prepared transaction 'forgotten'/,
    ),
  ])
})
