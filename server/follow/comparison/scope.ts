// Which rows of the tables of a move are compared, and the subject under which a difference is reported.

import type { TableRule } from '../../../shared/request.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import type { FollowRecord } from '../../store/follow-memory.ts'

export function filterOf({ direction }: FollowRecord): 'both' | 'source' {
  return direction === 'forward' ? 'source' : 'both'
}

export function rulesOf({ tables }: FollowRecord): TableRule[] {
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
  return tables.flatMap(({ schema, name, where }) =>
    where === undefined ? [] : [{ table: `${quoted(schema)}.${quoted(name)}`, where }],
  )
}

export function troubleOf(id: TableName): string {
  return `different ${tableKey(id)}`
}
