// A run publishes each change of its state once, in order: from the copy to a switchover and back.
import { expect, test } from 'bun:test'
import type { RunTransition } from '../../server/follow/run-state.ts'
import { eventually } from '../../tools/eventually.ts'
import { move } from '../../tools/moves/follow-run.ts'
import { cluster } from '../../tools/servers/clusters.ts'

test('a move with a return publishes its transitions, and views show each new state before', async () => {
  const logical = { settings: { wal_level: 'logical' } }
  const source = await (await cluster(15, logical)).createDatabase()
  const destination = await (await cluster(17, logical)).createDatabase()
  await source.sql('create table item (id int primary key); insert into item values (1)')
  const seen: RunTransition[] = []
  const shown: (string | undefined)[] = []
  await using moving = move(
    { source, destination },
    {},
    {},
    {
      onTransition: (transition) => seen.push(transition),
    },
  )
  moving.run.subscribe(({ after }) => {
    if (after.at === 'streaming') shown.push(moving.run.view().stage)
  })
  await moving.untilStreaming()
  const started = ({ ready }: { ready: { green: boolean } }) => ready.green
  await moving.until('readiness', started)
  expect((await moving.switchover({ keep_reverse: true })).state).toBe('done')
  await eventually(
    'changes that flow back',
    () => moving.run.act({ type: 'pause' }),
    ({ ok }) => ok,
  )
  await moving.until('a pause', ({ state }) => state === 'paused')
  await moving.run.act({ type: 'resume' })
  await moving.until('changes that flow', ({ state }) => state === 'running')
  expect((await moving.switchover({ back: true })).state).toBe('done')
  await moving.run.act({ type: 'stop' })
  await moving.run.done

  for (const [index, { before }] of seen.entries()) {
    if (index > 0) expect(before).toBe(seen[index - 1]?.after as typeof before)
  }
  const points = seen.map(({ after }) =>
    after.at === 'switched_over' ? `${after.at} to ${after.to}` : after.at,
  )
  expect(points.filter((point, index) => point !== points[index - 1])).toEqual([
    'schema',
    'copying',
    'catching_up',
    'streaming',
    'switching_over',
    'switched_over to destination',
    'switching_over',
    'switched_over to source',
    'stopped',
  ])
  const streams = seen.flatMap(({ event }) => (event.type === 'streams_changed' ? [event.streams] : []))
  expect(streams).toEqual(['paused', 'running'])
  expect(shown).toEqual(['streaming'])
})
