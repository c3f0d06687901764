// Gives a table of the destination the columns of the source's table, and reports each change.

import type { FollowAnswer } from '../../shared/follow-action.ts'
import type { FollowLogLine } from '../../shared/follow-view.ts'
import { say } from '../../shared/say.ts'
import { showName, type TableName } from '../../shared/table-name.ts'
import { errorInfo } from '../postgres/errors.ts'
import { Session } from '../postgres/session.ts'
import { applySchemaChanges } from '../replication/apply/apply-schema-changes.ts'
import { isEmpty, schemaChangesFor, showSchemaChanges } from '../replication/tables/schema-changes.ts'
import type { Link } from './link.ts'

export interface AlteredTable extends Pick<Link, 'from' | 'to'> {
  table: TableName
  positionName: string
}

export async function applySchema(
  { from, to, table, positionName }: AlteredTable,
  log: (line: string, level: FollowLogLine['level']) => void,
): Promise<FollowAnswer> {
  try {
    await using source = await Session.open(from)
    await using destination = await Session.open(to)
    const changes = await schemaChangesFor(source, destination, table)
    for (const remark of changes.remarks) log(remark, 'warn')
    if (isEmpty(changes)) {
      return {
        ok: false,
        message: [say`no schema change of ${showName(table)} can be applied`, ...changes.remarks].join(': '),
      }
    }
    for (const line of showSchemaChanges(changes)) log(line, 'info')
    const { filled } = await applySchemaChanges({ source: from, destination: to, changes, positionName })
    return {
      ok: true,
      message: say`${showName(table)} was changed${filled > 0 ? say`, values were filled in for ${filled} older rows` : ''}; trying again`,
    }
  } catch (error) {
    return { ok: false, message: say`${showName(table)} was not changed: ${errorInfo(error).message}` }
  }
}
