// Reasons against switching over, in the language of the page.

import { expect, test } from 'bun:test'
import { reasonIn } from '../../client/i18n/reasons.ts'
import { ReadyLight, type Watched } from '../../server/follow/readiness.ts'
import { defaultFollowOptions } from '../../shared/follow-options.ts'
import { followStages, followStates } from '../../shared/follow-view.ts'
import { describeLateWrites } from '../../shared/late-writes.ts'
import { followView } from '../../tools/moves/follow-view.ts'

const { streams } = followView('shop')
const stream = streams[0] as (typeof streams)[number]
const { status } = stream
const slot = { name: 'pgtrek_shop', active: false, retained_bytes: 0, endangered: true, lost: 'wal_removed' }
const good: Watched = { ...followView('shop'), troubles: [] }

const watched: Watched[] = [
  good,
  ...followStages.map((stage) => ({ ...good, stage })),
  ...followStates.map((state) => ({ ...good, state })),
  { ...good, streams: [] },
  { ...good, streams: [{ ...stream, status: { ...status, lagBytes: 1e9, lagMilliseconds: 1e6 }, slot }] },
  { ...good, failed_tables: [{ schema: 'public', name: 'orders', error: 'no' }] },
  { ...good, troubles: ['2 objects could not be made on the destination: VIEW v, INDEX i'] },
  { ...good, troubles: ['table public.t of a@b/c is missing on d@e/f', '3 more differences'] },
  { ...good, troubles: ['view public.v is not the same on a@b/c and d@e/f'] },
  { ...good, troubles: [describeLateWrites({ transactions: 2, changes: 2, tables: [] }, 'a@b/c')] },
  { ...good, troubles: ['tables are being copied anew: public.t'] },
  { ...good, troubles: ['the server has no slot pgtrek_shop any more'] },
  { ...good, troubles: ['the servers cannot be looked at: connection refused'] },
]

test('each reason has a Japanese sentence, and English ones are unchanged', () => {
  const reasons = new Set(
    watched.flatMap((one) => new ReadyLight(defaultFollowOptions).look(one, 1_000_000).reasons),
  )
  expect(reasons.size).toBeGreaterThan(12)
  for (const reason of reasons) {
    expect(reasonIn('en', reason)).toBe(reason)
    expect(reasonIn('ja', reason)).toMatch(/[\u3040-\u30ff]/)
  }
  expect(reasonIn('ja', 'something new')).toBe('something new')
})
