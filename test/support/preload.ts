// Loaded before every test file: ends what a test has created, and fails the test for what it has left behind.
import { afterAll, afterEach, beforeEach, setDefaultTimeout } from 'bun:test'
import { isLong } from '../../tools/long.ts'
import { stopAllClusters } from '../../tools/servers/clusters.ts'
import { endLeftovers, forgetWhatWasThere, rememberWhatIsThere } from '../../tools/servers/leftovers.ts'
import {
  endFileScope,
  endServerScope,
  endTestScope,
  testBegins,
  testEnds,
} from '../../tools/servers/scope.ts'

// Only a hanging test reaches this limit: every wait of a test has a shorter deadline.
setDefaultTimeout(isLong ? 900_000 : 300_000)

// A busy machine needs time to stop several servers.
const patienceMs = 60_000

beforeEach(async () => {
  if (testBegins()) await rememberWhatIsThere()
}, patienceMs)

afterEach(async () => {
  if (!testEnds()) return
  const left = await endLeftovers()
  const errors = await endTestScope()
  complain('This test left behind', left, errors)
}, patienceMs)

afterAll(async () => {
  const errors = await endFileScope()
  forgetWhatWasThere()
  const left = await endLeftovers()
  errors.push(...(await endServerScope()))
  await stopAllClusters()
  complain('This file left behind', left, errors)
}, patienceMs)

function complain(title: string, left: string[], errors: unknown[]) {
  if (left.length > 0) errors.unshift(new Error([`${title}:`, ...left].join('\n  ')))
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('\n'))
  if (errors.length === 1) throw errors[0]
}
