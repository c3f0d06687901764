// A table that workers on other machines copy: the ledger's rows about its jobs, and the coordinator's reactions.
import { expect, test } from 'bun:test'
import type { CopyPart } from '../../server/copy/lane-messages.ts'
import { type CopyTask, PartlyCommitted, RunningTask } from '../../server/copy/task.ts'
import type { CopyOutcome } from '../../server/queue/job.ts'
import type { JobRow, JobState } from '../../server/queue/ledger.ts'
import { TaskJobs } from '../../server/queue/task-jobs.ts'

const part: CopyPart = {
  kind: 'rows',
  copyOut: 'copy t to stdout',
  copyIn: 'copy t from stdin',
  format: 'text',
}
const done: CopyOutcome = { kind: 'done', rows: 5, bytes: 50, collided: 0, each: [], seconds: 1 }
const refused = (sqlstate: string): CopyOutcome => ({ kind: 'refused', error: { message: 'no', sqlstate } })
const released: CopyOutcome = { kind: 'released', reason: 'nothing was heard of its run for a minute' }
const lockNotAvailable = '55P03'

/** A table with this number of parts, each of which is a job. */
function table(parts: number, rest: Partial<CopyTask> = {}) {
  const task = {
    bytes: 1,
    parts: Array.from({ length: parts }, () => part),
    onStart() {},
    onProgress() {},
    ...rest,
  }
  const running = new RunningTask(task)
  const result = running.result.catch((error: unknown) => error)
  const jobs = new TaskJobs(running, parts)
  jobs.begin()
  return {
    jobs,
    result,
    /** The ledger's state of each job, and the resulting effects. */
    look(...rows: (JobState | CopyOutcome)[]): string[] {
      const now = rows.map((row, index): [string, JobRow] => {
        const id = jobs.ids[index] as string
        const outcome = typeof row === 'string' ? null : row
        return [id, { ...someRow, id, outcome, state: typeof row === 'string' ? row : 'ended' }]
      })
      jobs.see(new Map(now))
      return [...new Set(jobs.takeEffects().map((effect) => effect.do))]
    },
  }
}

const someRow = {
  ...{ worker: 'w', leases: [], transactions: [], rows: 0, bytes: 0, collided: 0 },
  prepared: null,
}

test('a table in parts is committed when every job is prepared, in any order', async () => {
  const { jobs, look, result } = table(3)
  expect(jobs.agrees).toBe(true)
  expect(look('copying', 'offered', 'prepared')).toEqual([])
  expect(look('prepared', 'prepared', 'prepared')).toEqual(['commit'])
  // Its worker was lost: the next one finds out whether it had committed.
  expect(look(done, 'offered', 'copying')).toEqual([])
  expect(look(done, done, done)).toEqual(['settle'])
  jobs.settle()
  expect(await result).toEqual({ rows: 15, bytes: 150, collided: 0 })
})

test('a job that is a whole table is committed by its worker', async () => {
  const { jobs, look, result } = table(1)
  expect(jobs.agrees).toBe(false)
  expect(look('prepared')).toEqual([])
  expect(look(done)).toEqual(['settle'])
  jobs.settle()
  expect(await result).toMatchObject({ rows: 5 })
})

test('a failure rolls back all jobs, and waits for those that a worker may still have taken', async () => {
  const { jobs, look, result } = table(3)
  expect(look(refused('23505'), 'copying', 'offered')).toEqual(['stop'])
  // Taken before the decision was stored.
  expect(look(refused('23505'), released, 'copying')).toEqual(['stop'])
  expect(look(refused('23505'), released, released)).toEqual(['settle'])
  jobs.settle()
  expect(String(await result)).toContain('no')
})

test('a job that is given back when the failure is found is read once more', () => {
  const { look } = table(2)
  expect(look('copying', 'copying')).toEqual([])
  expect(look(refused('23505'), 'offered')).toEqual(['stop'])
  expect(look(refused('23505'), 'offered')).toEqual(['settle'])
})

test('jobs that wait for rows of each other become one job', () => {
  const { jobs, look } = table(2)
  look('copying', 'copying')
  expect(look(refused(lockNotAvailable), refused(lockNotAvailable))).toEqual(['stop', 'hand out'])
  expect(jobs.begin()).toMatchObject([{ title: 'rows', parts: [part, part] }])
  expect(jobs.agrees).toBe(false)
  look('copying')
  expect(look(refused(lockNotAvailable))).toEqual(['settle'])
})

test('a job that a worker has released without a request is offered again', () => {
  const { jobs, look } = table(2)
  look('copying', 'prepared')
  expect(look(released, 'prepared')).toEqual(['roll back'])
  expect(look(released, released)).toEqual(['hand out'])
  expect(jobs.begin()).toHaveLength(2)
})

test('a job that ends differently after the decision to commit fails the table, of which a part is committed', async () => {
  const { jobs, look, result } = table(2)
  look('prepared', 'prepared')
  expect(look(done, released)).toEqual(['settle'])
  jobs.settle()
  expect(await result).toBeInstanceOf(PartlyCommitted)
})

test('a job without attempts left is refused, or in doubt where its commit was decided', async () => {
  const early = table(2)
  early.look('copying', 'offered')
  early.jobs.giveUp(early.jobs.ids[1] as string, new Error('no worker could do it'))
  expect(early.jobs.takeEffects().map((effect) => effect.do)).toEqual(['stop'])
  expect(early.look(released, 'offered')).toEqual(['settle'])
  early.jobs.settle()
  expect(await early.result).not.toBeInstanceOf(PartlyCommitted)

  const late = table(2)
  late.look('prepared', 'prepared')
  late.jobs.giveUp(late.jobs.ids[1] as string, new Error('no worker could do it'))
  expect(late.look(done, 'offered')).toEqual(['settle'])
  late.jobs.settle()
  expect(await late.result).toBeInstanceOf(PartlyCommitted)
})

test('the caller is asked before the commit, and may refuse', async () => {
  const asked: string[] = []
  const refuses = table(1, {
    onBeforeCommit() {
      asked.push('asked')
      throw new Error('the record cannot be written')
    },
  })
  expect(refuses.look('prepared')).toEqual(['ask'])
  await refuses.jobs.ask()
  expect(refuses.jobs.takeEffects().map((effect) => effect.do)).toEqual(['roll back'])
  expect(refuses.look(released)).toEqual(['settle'])
  refuses.jobs.settle()
  expect(String(await refuses.result)).toContain('the record cannot be written')
  expect(asked).toEqual(['asked'])
})
