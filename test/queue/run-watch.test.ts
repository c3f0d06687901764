// The watch over the run of a worker's jobs.
import { expect, test } from 'bun:test'
import type { Ledger } from '../../server/queue/ledger.ts'
import { RunWatch } from '../../server/queue/run-watch.ts'
import { within } from '../../tools/eventually.ts'

/** Answers with these heartbeats, one for each call, and then with the last of them. */
function watchOf(...pulses: (string | undefined | Error)[]) {
  const ledger: Partial<Ledger> = {
    async pulseOf() {
      const pulse = pulses.length > 1 ? pulses.shift() : pulses[0]
      if (pulse instanceof Error) throw pulse
      return pulse
    },
  }
  const warnings: string[] = []
  // The watch calls nothing else of the ledger.
  const watch = new RunWatch(ledger as Ledger, (message) => warnings.push(message))
  const over = (signal = new AbortController().signal) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    watch.watch('r1', signal, resolve)
    return promise
  }
  return { over, warnings }
}

test('every job of a run that is over gets a report, also one that begins before the others have ended', async () => {
  const { over } = watchOf(undefined)
  expect(await within('both reports', Promise.all([over(), over()]))).toEqual([
    'its run is over',
    'its run is over',
  ])
  expect(await within('the report', over())).toBe('its run is over')
})

test('a queue that fails is the reason, and a warning', async () => {
  const { over, warnings } = watchOf(new Error('no queue'))
  expect(await within('the report', over())).toBe('no queue')
  expect(warnings).toEqual(['the run r1 cannot be watched: no queue'])
})

test('the end of one job does not end the watch for another', async () => {
  const { over } = watchOf('a heartbeat', undefined)
  const ended = new AbortController()
  const reports: string[] = []
  void over(ended.signal).then((reason) => reports.push(reason))
  const other = over()
  ended.abort()
  expect(await within('the report', other)).toBe('its run is over')
  expect(reports).toEqual([])
})
