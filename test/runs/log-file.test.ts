import { afterAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { UsageError } from '../../server/postgres/errors.ts'
import { openLogFile, redact } from '../../server/runs/log-file.ts'
import type { MigrationEvent } from '../../shared/event.ts'
import { eventually } from '../../tools/eventually.ts'
import { mayMount, smallDisk } from '../../tools/small-disk.ts'
import { Recording } from '../shared/runs.ts'

const directory = mkdtempSync(join(tmpdir(), 'pgtrek-log-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe('the log file', () => {
  test('is named by time and run, in a new directory, readable by its owner only', () => {
    const at = new Date('2026-02-03T04:05:06.789Z')
    using log = openLogFile(join(directory, 'deep', 'down'), 'a/b', { at })
    expect(basename(log.path)).toBe('2026-02-03T04-05-06-a_b.jsonl')
    expect(basename(dirname(log.path))).toBe('down')
    expect(statSync(log.path).mode & 0o077).toBe(0)
  })

  test('has a line for each event worth keeping, as it happens', () => {
    const run = new Recording(Date.UTC(2026, 0, 1)).started().planned([['users', 10, 100]], { data: 1 })
    const rows = run.rowsStep('users')
    run.start(rows).wait(1).rows('users', 5, 50).rows('users', 10, 99).finish(rows, 1).finished('completed')
    const { path, read } = write(run.events)
    expect(read().map(({ type, level }) => `${type} ${level}`)).toEqual([
      'started info',
      'planned info',
      'step_started debug',
      'step_finished info',
      'finished info',
    ])
    expect(read()[3]).toEqual({
      level: 'info',
      run: 'r1',
      time: '2026-01-01T00:00:01.000Z',
      type: 'step_finished',
      step: 1,
      phase: 'data',
      kind: 'ROWS',
      object: 'public.users',
      table: 'public.users',
      seconds: 1,
      rows: 10,
      bytes: 99,
    })
    expect(path).toStartWith(directory)
  })

  test('keeps the error of the server about a failure', () => {
    const run = new Recording()
    const error = {
      message: 'no',
      sqlstate: '23505',
      detail: 'Key (id)=(1)',
      hint: 'look',
      context: 'COPY t',
    }
    run.fail(run.rowsStep('users'), error)
    expect(write(run.events).read()[0]).toMatchObject({
      level: 'error',
      msg: 'no',
      sqlstate: '23505',
      detail: 'Key (id)=(1)',
      hint: 'look',
      context: 'COPY t',
    })
  })

  test('never contains a password, even if a message does', () => {
    const run = new Recording().warn('cannot reach postgres://me:s3cr"t\\@x@host/db?password=s3cr3t')
    const { path, read } = write(run.events)
    expect(readFileSync(path, 'utf8')).not.toMatch(/s3cr|t\\+@x/)
    expect(read()[0]).toMatchObject({ msg: 'cannot reach postgres://me:***@host/db?password=***' })
  })

  test('ignores lines after it is closed, and can be closed twice', () => {
    const log = openLogFile(directory, 'closed')
    log.close()
    log.close()
    log.event({ type: 'warning', at: 0, message: 'late' })
    expect(readFileSync(log.path, 'utf8')).toBe('')
  })

  test('that cannot be written is refused before the run, with the reason', () => {
    const file = join(directory, 'a-file')
    writeFileSync(file, '')
    expect(() => openLogFile(file, 'r1')).toThrow(UsageError)
    expect(() => openLogFile(file, 'r1')).toThrow(`cannot write a log file to "${file}": `)
  })

  test.skipIf(!existsSync('/dev/full'))(
    'on a full disk reports it once, does not stop the run, and reports at the end what is missing',
    async () => {
      const at = new Date(0)
      const path = join(directory, '1970-01-01T00-00-00-full.jsonl')
      symlinkSync('/dev/full', path)
      const reports: string[] = []
      const log = openLogFile(directory, 'full', { at, report: (message) => reports.push(message) })
      log.event({ type: 'warning', at: 0, message: 'one' })
      log.event({ type: 'warning', at: 0, message: 'two' })
      await eventually('the report', () => reports.length)
      log.event({ type: 'warning', at: 0, message: 'three' })
      log.close()
      expect(reports).toEqual([
        expect.stringMatching(/^the log file .*-full\.jsonl cannot be written \(ENOSPC.*the run continues/),
        `the log file ${path} is not complete: lines missing: 3`,
      ])
    },
  )

  test.skipIf(!mayMount)('on a disk that has room again has every line whole, in its order', async () => {
    using disk = smallDisk()
    const reports: string[] = []
    using log = openLogFile(join(disk.directory, 'logs'), 'r1', {
      report: (message) => reports.push(message),
      retryMs: 0,
    })
    disk.fill()
    const say = (number: number) =>
      log.event({ type: 'warning', at: 0, message: `${number} ${'x'.repeat(3000)}` })
    let last = 0
    await eventually('the report', async () => {
      say(++last)
      return reports.length
    })
    for (let more = 0; more < 20; more++) say(++last)
    disk.free()
    say(++last)
    await eventually(
      'the second report',
      () => reports.length,
      (count) => count === 2,
    )
    expect(reports).toEqual([
      expect.stringMatching(/ENOSPC.*written when there is room again$/),
      `the log file ${log.path} can be written again`,
    ])
    const numbers = readFileSync(log.path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Number.parseInt(JSON.parse(line).msg, 10))
    expect(numbers).toEqual(Array.from({ length: last }, (_, index) => index + 1))
  })
})

test.each([
  ['postgres://u:p@h', 'postgres://u:***@h'],
  ['postgresql://u:p:q@r@h/db and on', 'postgresql://u:***@h/db and on'],
  ['host=h password=secret user=u', 'host=h password=*** user=u'],
  ["create role r password 'it''s' login", "create role r password '***' login"],
  ['postgres://u@h/db', 'postgres://u@h/db'],
  ['password authentication failed', 'password authentication failed'],
])('%s is logged as %s', (text, safe) => {
  expect(redact(text)).toBe(safe)
})

function write(events: MigrationEvent[]) {
  using log = openLogFile(directory, 'r1', { at: new Date(Math.random() * 1e12) })
  for (const event of events) log.event(event)
  const { path } = log
  const read = (): Record<string, unknown>[] =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  return { path, read }
}
