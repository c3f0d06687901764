// Partition trees of several levels are followed completely: no level counts as unpublished.
import { expect, test } from 'bun:test'
import type { Session } from '../../server/postgres/session.ts'
import { readFollowed } from '../../server/replication/tables/followed.ts'
import { findUnfollowed } from '../../server/replication/tables/unfollowed.ts'
import { inSession, link } from '../../tools/moves/following.ts'
import { pairWith } from '../support/altered.ts'

const tree = `
  create table part (id int, region int, primary key (id, region)) partition by list (region);
  create table mid partition of part for values in (1, 2) partition by list (region);
  create table low partition of mid for values in (1) partition by range (id);
  create table leaf partition of low for values from (0) to (100);
  create table side partition of mid for values in (2);
  insert into part values (1, 1), (2, 2)`

test('a published middle level covers the levels below it', async () => {
  const pair = await pairWith(14, 18, tree)
  const options = await link(pair, { viaRoot: true, published: [{ schema: 'public', name: 'mid' }] })
  const tables = ['mid', 'low', 'leaf', 'side'].map((name) => ({ schema: 'public', name }))
  const asked = { publication: options.publication, followed: tables }
  const both = <T>(task: (source: Session, destination: Session) => Promise<T>) =>
    inSession(pair.source, (source) =>
      inSession(pair.destination, (destination) => task(source, destination)),
    )
  const look = () => both((source, destination) => findUnfollowed(source, asked, destination))
  expect((await look()).map(({ table }) => table.name)).toEqual([])
  const { gone } = await both((source, destination) =>
    readFollowed(source, destination, {
      publication: options.publication,
      tables,
      leftOut: [],
      accepted: new Set(),
    }),
  )
  expect(gone).toEqual([])
})
