// What `npm test` makes of what `bun test` reports.
import { expect, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { scratchDirectory } from '../../tools/servers/scratch.ts'
import { parseReport } from '../../tools/test-run/report.ts'
import { runFiles, runTwice } from '../../tools/test-run/run.ts'

const root = join(import.meta.dir, '../..')

test('a report names the tests of nested groups, and what failed ones said', () => {
  const reports = parseReport(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4">
  <testsuite name="test/a.test.ts" file="test/a.test.ts" tests="3" time="0.72">
    <testsuite name="rows" file="test/a.test.ts" tests="2" time="0.7">
      <testcase name="are &lt;there&gt;" classname="rows" time="0.2" file="test/a.test.ts" />
      <testcase name="are equal" classname="rows" time="0.5" file="test/a.test.ts">
        <failure type="Error" message="short">Error: &quot;a&quot; &amp; b&#10;      at a.test.ts:1</failure>
      </testcase>
      <testcase name="wait" classname="rows" time="0" file="test/a.test.ts">
        <skipped />
      </testcase>
    </testsuite>
    <testcase name="(unnamed)" classname="" time="0" file="test/a.test.ts">
      <failure type="TimeoutError" message="timed out" />
    </testcase>
  </testsuite>
  <testsuite name="test/b.test.ts" file="test/b.test.ts" tests="1" time="0.1">
    <testcase name="holds" classname="" time="0.1" file="test/b.test.ts" />
  </testsuite>
</testsuites>`)
  expect(reports).toEqual([
    {
      file: 'test/a.test.ts',
      seconds: 0.72,
      passed: 1,
      skipped: 1,
      failed: [
        { test: 'rows > are equal', message: 'Error: "a" & b\n      at a.test.ts:1' },
        { test: '(beforeAll or afterAll)', message: 'timed out' },
      ],
    },
    { file: 'test/b.test.ts', seconds: 0.1, passed: 1, skipped: 0, failed: [] },
  ])
})

test('a file that fails and then passes does not fail the run, but its test is named', async () => {
  const directory = mkdtempSync(join(scratchDirectory(), 'twice-'))
  const file = 'test/support/fixtures/passes-later.fixture.ts'
  const runs: string[][] = []
  const verdict = await runTwice([file], (files) => {
    runs.push(files)
    const environment = { DIRECTORY_OF_FIXTURE: directory }
    return runFiles(files, { root, directory, options: [], environment, output: 'ignore' })
  })
  expect(runs).toEqual([[file], [file]])
  expect(verdict).toMatchObject({
    passed: 2,
    skipped: 1,
    failures: [],
    flaky: [`flaky: ${file}: needs a second run`],
  })
})

test('a file that fails twice fails the run, and one that never ran does as well', async () => {
  const directory = mkdtempSync(join(scratchDirectory(), 'never-'))
  const verdict = await runTwice(['test/support/fixtures/not-there.fixture.ts'], (files) =>
    runFiles(files, { root, directory, options: [], environment: {}, output: 'ignore' }),
  )
  expect(verdict.failures).toEqual([
    expect.stringContaining('no test of this file has run; bun test ended with exit code 1'),
  ])
})
