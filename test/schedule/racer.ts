// A process of its own that decides the next 200 due times of the schedule "nightly" of a state directory, together with
// others, and prints those that it has got. With `hang` it keeps the first one until it is killed.

import { decide } from '../../server/schedule/decide.ts'
import { timetableOf } from '../../server/schedule/timing.ts'
import { RunStore } from '../../server/store/runs.ts'
import { ScheduleStore } from '../../server/store/schedules.ts'

const [directory = '', startText = '', hang] = process.argv.slice(2)
const start = Number(startText)
using store = new RunStore(directory)
const schedules = new ScheduleStore(store.database)
for (let round = 1; round <= 200; round++) {
  const now = start + round * 600_000 - 30_000
  const stored = schedules.find('nightly')
  if (!stored) throw new Error('there is no schedule')
  const { checked, definition, anchor } = stored
  const table = timetableOf(definition.timing, definition.zone, anchor)
  const decision = decide({ table, checked, now, onMissed: 'once' })
  if (!decision?.due) continue
  const { at, trigger } = decision.due
  const ids = schedules.decide('nightly', checked, decision.checked, [
    { due: at, trigger, state: 'waiting', message: 'due' },
  ])
  if (!ids) continue
  process.stdout.write(`${new Date(at).toISOString()}\n`)
  // Without this, it would run into the next rounds before the others.
  if (hang) await new Promise(() => setInterval(() => {}, 1_000))
  for (const id of ids) schedules.finish(id, 'succeeded', undefined, '')
}
