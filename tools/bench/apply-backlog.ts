// Applies a backlog once, in a separate process so that its memory can be measured, and prints the seconds. Without an
// end position it follows until one is written to its standard input.

import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { Session } from '../../server/postgres/session.ts'
import { Follower } from '../../server/replication/apply/follower.ts'
import { createPosition, dropPosition } from '../../server/replication/apply/position.ts'
import { parseLsn } from '../../server/replication/stream/lsn.ts'
import { readSlot } from '../../server/replication/stream/slot.ts'

const [source, destination, end] = process.argv.slice(2)
const settings = {
  source: resolveSettings({ url: source ?? '' }),
  destination: resolveSettings({ url: destination ?? '' }),
}
{
  await using there = await Session.open(settings.source)
  await using here = await Session.open(settings.destination)
  const slot = await readSlot(there, 'backlog')
  await createPosition(here, 'bench', slot?.confirmed ?? 0n)
}
const started = performance.now()
const follower = await Follower.start({
  ...settings,
  slot: 'backlog',
  publication: 'backlog',
  positionName: 'bench',
  onEvent: (event) => {
    if (event.type === 'follow_conflict' || event.type === 'follow_waiting')
      console.error(JSON.stringify(event))
    if (event.type === 'follow_conflict') void follower.stop()
  },
})
await follower.stopAt(parseLsn(end ?? (await Bun.stdin.text()).trim()))
console.log(((performance.now() - started) / 1000).toFixed(3))
{
  await using here = await Session.open(settings.destination)
  await dropPosition(here, 'bench')
}
process.exit(0)
