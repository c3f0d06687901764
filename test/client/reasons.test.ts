// Reasons against switching over, in the language of the page.

import { expect, test } from 'bun:test'
import { reasonIn } from '../../client/i18n/reasons.ts'
import { CutoverReadiness, type Watched } from '../../server/follow/readiness.ts'
import { defaultFollowOptions } from '../../shared/defaults.ts'
import { followStages, followStates } from '../../shared/follow-view.ts'
import { describeForeignWrites } from '../../shared/foreign-writes.ts'
import { describeLateWrites } from '../../shared/late-writes.ts'
import { describeSkipped } from '../../shared/skipped.ts'
import { followView } from '../../tools/moves/follow-view.ts'

const { streams } = followView('shop')
const stream = streams[0] as (typeof streams)[number]
const { status } = stream
const slot = { name: 'pgtrek_shop', active: false, retained_bytes: 0, endangered: true, lost: 'wal_removed' }
const good: Watched = { ...followView('shop'), troubles: [] }

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
  { ...good, troubles: ['2 objects could not be created on the destination: VIEW v, INDEX i'] },
  { ...good, troubles: ['table public.t of a@b/c is missing on d@e/f', '3 more differences'] },
  { ...good, troubles: ['view public.v is not the same on a@b/c and d@e/f'] },
  { ...good, troubles: [describeLateWrites({ transactions: 2, changes: 2, tables: [] }, 'a@b/c')] },
  { ...good, troubles: ['tables are being copied again: public.t'] },
  { ...good, troubles: ['table public.t is not the same on both sides: 3 rows here, 2 there'] },
  { ...good, troubles: [describeSkipped([skipped]) ?? ''] },
  { ...good, troubles: [describeForeignWrites({ tables: [written], sessions: ['pid 7'] })] },
  { ...good, troubles: [describeForeignWrites({ tables: [written], sessions: [] })] },
  { ...good, troubles: ['the server no longer has slot pgtrek_shop'] },
  { ...good, troubles: ['the servers cannot be checked: connection refused'] },
]

test('each reason has a Japanese sentence, and English ones are unchanged', () => {
  const reasons = new Set(
    watched.flatMap((one) => new CutoverReadiness(defaultFollowOptions).now(one, 1_000_000).reasons),
  )
  expect(reasons.size).toBeGreaterThan(12)
  for (const reason of reasons) {
    expect(reasonIn('en', reason)).toBe(reason)
    expect(reasonIn('ja', reason)).toMatch(/[\u3040-\u30ff]/)
  }
  expect(reasonIn('ja', 'something new')).toBe('something new')
})

test.each([
  [
    'shop.a is followed, but was dropped on the source. When it is no longer needed, drop it on the destination, too: drop table "shop"."a"',
    'drop table "shop"."a"',
  ],
  [
    'shop.a is followed, but was dropped on the source; the table that is named shop.a there now is a different one, and is not followed',
    'shop.a',
  ],
  [
    'shop.a is followed, but not published any more: it was taken out of p, or is not a partition of a published table any more; its changes are not sent. "pgtrek recopy shop.a" publishes it and copies it again',
    '「pgtrek recopy shop.a」',
  ],
  [
    'shop.a of the destination is now named shop.b on the source: its changes are applied, but the names differ. On the destination run: alter table "shop"."a" rename to "b"',
    'alter table "shop"."a" rename to "b"',
  ],
  [
    'shop.a is not followed: its rows are neither copied nor kept up to date. To move it, start again with it, or copy it when nothing writes to it any more',
    'shop.a',
  ],
  [
    'shop.a is a partition of shop.b, but the destination does not have it. Create it there, or run "pgtrek recopy shop.a", which creates it and copies its rows, those from before it was attached too',
    '「pgtrek recopy shop.a」',
  ],
  [
    'shop.a is a partition of shop.b that p does not have: its changes are not sent. "pgtrek recopy shop.a" publishes it, creates it on the destination and copies its rows; for a publication of your own, first run alter publication p add table shop.a',
    '「pgtrek recopy shop.a」',
  ],
])('a table that is not followed as it should be, in Japanese: %s', (reason, part) => {
  expect(reasonIn('ja', reason)).toMatch(/[\u3040-\u30ff]/)
  expect(reasonIn('ja', reason)).toContain(part)
})
