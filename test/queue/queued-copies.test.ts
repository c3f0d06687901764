// The coordinator of a run whose rows are copied by workers on other machines, with a queue that fails.
import { expect, test } from 'bun:test'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import type { JobQueue } from '../../server/queue/queue.ts'
import { QueuedCopies } from '../../server/queue/queued-copies.ts'
import { within } from '../../tools/eventually.ts'
import { failureOf, rowsOf } from '../../tools/moves/copying.ts'
import { cluster } from '../../tools/servers/clusters.ts'

const worker = { name: 'w', host: 'h', pid: 1, concurrency: 1, jobs: [] }

/** Has one worker, and works until a table of one job is offered. */
function failingQueue(): JobQueue {
  const answers = (text: string) => (text.includes('pgtrek_jobs.worker') ? [worker] : [])
  const queue = {
    connection: {
      name: 'the queue',
      query: async (text: string) => answers(text),
      executeSql: async () => ({ rows: [] }),
    },
    ensure: async () => {},
    givenUp: async () => [],
    withdraw: async () => {},
    async offer(_: string, jobs: readonly unknown[]) {
      if (jobs.length === 1) throw new Error('the queue does not answer')
    },
  }
  // It replaces pg-boss.
  return queue as unknown as JobQueue
}

test('when the queue fails, every table fails, also those that wait for others', async () => {
  const destination = await (await cluster(15)).createDatabase()
  const settings = resolveSettings({ url: destination.url })
  const warnings: string[] = []
  const copies = new QueuedCopies(
    failingQueue(),
    {},
    {
      run: 'run',
      settings: {
        source: settings,
        destination: settings,
        snapshot: '',
        clientEncoding: 'UTF8',
        replica: true,
      },
      signal: new AbortController().signal,
      onLog() {},
      onWarning: (message) => warnings.push(message),
      onWorkers() {},
    },
  )
  const table = (bytes: number, ...conditions: string[]) => {
    const parts = rowsOf({ table: 't', columns: ['id'], conditions })
    return failureOf(copies.copy({ bytes, parts, onStart() {}, onProgress() {} }))
  }
  // Two tables in parts may be copied at once: the third waits.
  const inParts = [40, 30, 20].map((bytes) => table(bytes, 'id > 1', 'id <= 1'))
  const whole = table(10, 'true')
  copies.open()
  const failures = await within('the failure of every table', Promise.all([...inParts, whole]))
  expect(failures.map(String)).toEqual(Array(4).fill('Error: the queue does not answer'))
  await copies.close()
  expect(warnings).toEqual([])
})
