// Changes a table of the destination as its source was changed, in one transaction.

import { tableKey } from '../../../shared/table-name.ts'
import { appliesSetting } from '../../catalog/own.ts'
import { relayCopy } from '../../postgres/copy-stream.ts'
import { quoteIdentifier, quoteQualified } from '../../postgres/quote.ts'
import { Session } from '../../postgres/session.ts'
import type { ConnectionSettings } from '../../postgres/settings.ts'
import { exactValues } from '../stream/stream.ts'
import { readDestinationTables } from '../tables/destination-tables.ts'
import type { ColumnFill, SchemaChanges } from '../tables/schema-changes.ts'
import { local } from '../tables/table-shape.ts'
import { maySetReplicaRole, useOwnSearchPath } from './apply-session.ts'
import { holdPosition } from './position.ts'

export interface ApplySchema {
  source: ConnectionSettings
  destination: ConnectionSettings
  changes: SchemaChanges
  /**
   * Name of the position of the stream to this destination. Our writes are marked as its own, so that they are not
   * sent back.
   */
  positionName: string
  signal?: AbortSignal | undefined
}

/**
 * Runs while the stream waits for a decision; retry it afterwards. Resolves with the number of rows that were given
 * values.
 */
export async function applySchemaChanges(work: ApplySchema): Promise<{ filled: number }> {
  const { changes, positionName, signal } = work
  // Separate sessions, so that an error leaves no setting or transaction behind.
  await using source = await Session.open(work.source, { signal })
  await using destination = await Session.open(work.destination, { signal })
  const replicaRole = await maySetReplicaRole(destination)
  // Holding the position keeps other sessions from applying changes, and marks our writes so that they are not sent
  // back.
  const { markSql = '' } = await holdPosition(destination, positionName)
  // Defaults and triggers may rely on the search path. Our own statements qualify all names.
  await useOwnSearchPath(destination)
  await destination.execute(`
    begin;
    ${local(exactValues)}
    set local ${appliesSetting} = on;
    ${replicaRole ? 'set local session_replication_role = replica;' : ''}
    ${markSql}`)
  let filled = 0
  for (const sql of changes.statements) await destination.execute(sql)
  for (const one of changes.fills) filled += await fill(one, { source, destination, signal })
  for (const sql of changes.finish) await destination.execute(sql)
  await destination.execute('commit')
  return { filled }
}

interface Filling {
  source: Session
  destination: Session
  signal: AbortSignal | undefined
}

/**
 * Copies the present values of the source, although older changes may still be in the stream: each of these sets the
 * whole row by its key, so that both sides end up the same.
 */
async function fill(
  { table, only, key, columns, sparse }: ColumnFill,
  { source, destination, signal }: Filling,
): Promise<number> {
  const name = quoteQualified(table.schema, table.name)
  const from = only ? `only ${name}` : name
  const list = [...key, ...columns].map(quoteIdentifier).join(', ')
  const given = sparse ? ` where num_nonnulls(${columns.map(quoteIdentifier).join(', ')}) > 0` : ''
  await destination.execute(
    `create temporary table pgtrek_fill on commit drop as select ${list} from ${name} with no data`,
  )
  await source.execute(`begin read only; ${local(exactValues)} set local row_security = off`)
  await relayCopy({
    ...{ source, destination, binary: false, signal },
    copyOut: `copy (select ${list} from ${from}${given}) to stdout`,
    copyIn: `copy pg_temp.pgtrek_fill (${list}) from stdin`,
  })
  await source.execute('commit')
  await destination.execute('analyze pg_temp.pgtrek_fill')
  const shape = (await readDestinationTables(destination, [table])).get(tableKey(table))
  const same = key.map((column) => {
    const quoted = quoteIdentifier(column)
    const equality = shape?.columns.get(column)?.equality
    return `t.${quoted} operator(${equality ?? 'pg_catalog.='}) f.${quoted}`
  })
  const image = (alias: string) =>
    `row(${columns.map((column) => `${alias}.${quoteIdentifier(column)}`).join(', ')})::record`
  const sets = columns.map((column) => `${quoteIdentifier(column)} = f.${quoteIdentifier(column)}`)
  const { count } = await destination.one<{ count: number }>(`
    with filled as (
      update ${from} t set ${sets.join(', ')}
        from pg_temp.pgtrek_fill f
       where ${same.join(' and ')} and not ${image('t')} operator(pg_catalog.*=) ${image('f')}
      returning 1)
    select count(*)::float8 as count from filled`)
  await destination.execute('drop table pg_temp.pgtrek_fill')
  return count
}
