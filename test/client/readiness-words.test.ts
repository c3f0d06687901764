// Each reason against a switchover, of real readiness, is shown in Japanese.
import { expect, test } from 'bun:test'
import { inJapanese } from '../../client/i18n/messages/index.ja.ts'
import { CutoverReadiness, type Watched } from '../../server/follow/readiness.ts'
import { defaultFollowOptions } from '../../shared/defaults.ts'
import { concernsOf, readinessNow } from '../../shared/follow-health.ts'
import { followStages, followStates } from '../../shared/follow-view.ts'
import { describeForeignWrites } from '../../shared/foreign-writes.ts'
import { describeLateWrites } from '../../shared/late-writes.ts'
import { describeSkipped } from '../../shared/skipped.ts'
import { followView } from '../../tools/moves/follow-view.ts'

const now = 1_000_000
const japanese = /[\u3040-\u30ff\u4e00-\u9fff]/

const view = followView('shop')
const stream = view.streams[0] as (typeof view.streams)[number]
const { status } = stream
const unread = { name: 'pgtrek_shop', active: false, retained_bytes: 0, endangered: false }
const slot = { ...unread, endangered: true, lost: 'wal_removed' }
const good: Watched = { ...view, troubles: [] }

const table = { schema: 'public', name: 't' }
const written = { ...table, oid: 1, rows: 2 }
const skipped = {
  lsn: '0/1',
  xid: 7,
  tables: [{ ...table, inserted: 1, updated: 0, deleted: 0, truncated: 0 }],
}

const watched: Watched[] = [
  good,
  ...followStages.map((stage) => ({ ...good, stage })),
  ...followStates.map((state) => ({ ...good, state })),
  { ...good, streams: [] },
  { ...good, streams: [{ ...stream, status: { ...status, lagBytes: 1e9, lagMilliseconds: 1e6 }, slot }] },
  { ...good, failed_tables: [{ schema: 'public', name: 'orders', error: 'no' }] },
  { ...good, troubles: [describeLateWrites({ transactions: 2, changes: 2, tables: [] }, 'a@b/c')] },
  { ...good, troubles: [describeSkipped([skipped]) ?? ''] },
  { ...good, troubles: [describeForeignWrites({ tables: [written], sessions: ['pid 7'] })] },
  { ...good, troubles: [describeForeignWrites({ tables: [written], sessions: [] })] },
]

test('each reason of readiness', () => {
  const reasons = new Set(
    watched.flatMap((one) => new CutoverReadiness(defaultFollowOptions).now(one, now).reasons),
  )
  expect(reasons.size).toBeGreaterThan(12)
  for (const reason of reasons)
    expect([reason, inJapanese(reason)]).toEqual([reason, expect.stringMatching(japanese)])
})

test.each(followStates.map((state) => [state]))(
  'a view whose state is %s, now and after a silence',
  (state) => {
    const one = { ...view, state, updated_at: now, ready: { ...view.ready, green: false, reasons: [] } }
    for (const at of [now, now + 60_000]) {
      const { reasons } = readinessNow(one, at)
      expect(reasons.length).toBeGreaterThan(0)
      for (const reason of reasons)
        expect([reason, inJapanese(reason)]).toEqual([reason, expect.stringMatching(japanese)])
    }
  },
)

test('each concern about a move', () => {
  const failed = { schema: 'public', name: 'orders', error: 'no' }
  const texts = followStates.flatMap((state) =>
    [slot, unread, { ...unread, endangered: true }].flatMap((one) =>
      concernsOf({ ...view, state, failed_tables: [failed], streams: [{ ...stream, slot: one }] }, now),
    ),
  )
  const different = new Set(texts.map(({ text }) => text))
  expect(different.size).toBeGreaterThan(6)
  for (const text of different)
    expect([text, inJapanese(text)]).toEqual([text, expect.stringMatching(japanese)])
})
