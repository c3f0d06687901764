// Stands in for the process that follows: publishes views through the real store, and answers what is asked.
// `follow-publisher.ts DIRECTORY`, then a view as JSON a line on its input; what it is asked comes out, a line
// each. It ends with its input.
import { hostname } from 'node:os'
import { createInterface } from 'node:readline'
import { FollowStore } from '../../server/store/follows.ts'
import { RunStore } from '../../server/store/runs.ts'
import type { FollowView } from '../../shared/follow-view.ts'

const [, , directory = ''] = process.argv
using runs = new RunStore(directory)
const store = new FollowStore(runs.database)
let view: FollowView | undefined

const timer = setInterval(() => {
  if (!view) return
  publish(view)
  for (const { id, action } of store.asked(view.name)) {
    process.stdout.write(`${JSON.stringify(action)}\n`)
    if (action.type === 'pause') view = { ...view, state: 'paused' }
    if (action.type === 'resume') view = { ...view, state: 'running' }
    publish(view)
    store.answer(id, { ok: action.type !== 'retry', message: `heard ${action.type}` })
  }
}, 20)

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line) as FollowView
  if (view === undefined) store.take(given.name)
  view = given
  publish(view)
  process.stdout.write('published\n')
}
clearInterval(timer)
if (view) {
  const { process: _, ...last } = view
  store.publish({ ...last, updated_at: Date.now() })
  store.release(view.name)
}

function publish(shown: FollowView) {
  store.publish({ ...shown, updated_at: Date.now(), process: { host: hostname(), pid: process.pid } })
}
