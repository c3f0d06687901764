// A poll ends with the answer it waits for, at its deadline with the last answer, or when it is aborted.
import { expect, test } from 'bun:test'
import { pauseUnlessAborted } from '../../server/system/deadline.ts'
import { pollUntil, retryWhile } from '../../server/system/poll.ts'

const long = 60_000

test('a poll returns the first answer that holds', async () => {
  let asked = 0
  expect(
    await pollUntil(
      () => ++asked,
      (answer) => answer === 3,
      { everyMs: 1, withinMs: long },
    ),
  ).toBe(3)
  expect(asked).toBe(3)
})

test('at its deadline a poll returns the last answer, also when only one was possible', async () => {
  expect(
    await pollUntil(
      () => 'busy',
      (answer) => answer === 'free',
      { everyMs: 1, withinMs: -1 },
    ),
  ).toBe('busy')
})

test('an aborted poll throws the reason, and does not wait for its next attempt', async () => {
  const abort = new AbortController()
  const polling = pollUntil(
    () => abort.abort(new Error('the run was cancelled')),
    () => false,
    {
      everyMs: long,
      withinMs: long,
      signal: abort.signal,
    },
  )
  await expect(polling).rejects.toThrow('the run was cancelled')
})

test('work is repeated only as long as its error may pass', async () => {
  let attempts = 0
  const work = async () => {
    if (++attempts < 3) throw new Error('busy')
    return 'done'
  }
  const mayPass = (error: unknown) => (error as Error).message === 'busy'
  expect(await retryWhile(mayPass, work, { everyMs: 1, withinMs: long })).toBe('done')
  const fails = () => Promise.reject(new Error('denied'))
  await expect(retryWhile(mayPass, fails, { everyMs: long, withinMs: long })).rejects.toThrow('denied')
})

test('work that is still refused at the deadline fails with its last error', async () => {
  const fails = () => Promise.reject(new Error('busy'))
  await expect(retryWhile(() => true, fails, { everyMs: 1, withinMs: -1 })).rejects.toThrow('busy')
})

test('a pause ends when its signal is aborted', async () => {
  const abort = new AbortController()
  const paused = pauseUnlessAborted(long, abort.signal)
  abort.abort()
  await paused
  await pauseUnlessAborted(long, abort.signal)
})
