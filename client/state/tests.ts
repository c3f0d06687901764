// Results of connection tests, for as long as the connection is unchanged.
import { createStore } from 'solid-js/store'
import type { ConnectionTest } from '../../shared/api.ts'
import { api, type CallFailed } from '../api/calls.ts'
import { toConn } from './connection-url.ts'
import { draft } from './draft.ts'
import type { Side } from './draft-shape.ts'

interface Outcome {
  of: string
  testing: boolean
  answer?: ConnectionTest | undefined
  problem?: CallFailed | undefined
}

const none = (): Outcome => ({ of: '', testing: false })
const [outcomes, setOutcomes] = createStore<Record<Side, Outcome>>({
  source: none(),
  destination: none(),
})

export function testOf(side: Side): Outcome {
  return outcomes[side].of === keyOf(side) ? outcomes[side] : none()
}

export async function testConnection(side: Side) {
  const of = keyOf(side)
  setOutcomes(side, { of, testing: true, answer: undefined, problem: undefined })
  const outcome = await api.testConnection(toConn(draft[side])).then(
    (answer) => ({ answer }),
    (error: unknown) => ({ problem: error as CallFailed }),
  )
  // Another connection may have been entered meanwhile, and is being tested.
  if (outcomes[side].of === of) setOutcomes(side, { testing: false, ...outcome })
}

function keyOf(side: Side): string {
  return JSON.stringify(toConn(draft[side]))
}
