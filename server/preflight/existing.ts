// Objects, rows and event triggers that the destination already has.

import { formatCount } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { tableKey } from '../../shared/table-name.ts'
import { readExistingTables } from '../catalog/existing.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import { isExtensions, isUsers } from './catalog-sql.ts'
import { type Check, findingFor, foundIn, passed, type Remark } from './check.ts'

interface Relation {
  schema: string
  name: string
  kind: string
}

const relationsSql = `
  select coalesce((select i.indrelid from pg_catalog.pg_index i where i.indexrelid = c.oid), c.oid) as of,
         n.nspname as schema,
         c.relname as name,
         case c.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view'
                        when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table'
                        when 'c' then 'type' else 'index' end as kind
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relpersistence <> 't'
     and ${isUsers}
     and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c', 'i', 'I')
     and not ${isExtensions('pg_class', 'c.oid')}`

const existing: Check = {
  id: 'existing-objects',
  planned: true,
  title: 'Existing objects',
  why: say`Objects of the same name are kept, and rows of such tables are replaced after confirmation.`,
  async look(context): Promise<Remark> {
    const { destination, options } = context
    const theirs = await destination.query<Relation>(relationsSql)
    if (theirs.length === 0) return passed(say`the destination is empty`)
    const ours = new Map((await foundIn<Relation>(context, relationsSql)).map((one) => [tableKey(one), one]))
    const both = theirs.filter((one) => ours.has(tableKey(one)) && one.kind !== 'index')
    const clashing = theirs.filter(
      (one) => ours.has(tableKey(one)) && ours.get(tableKey(one))?.kind !== one.kind,
    )
    const tables = theirs.filter(({ kind }) => kind === 'table')
    const filled = [...(await readExistingTables(destination, tables)).values()].filter(
      ({ hasRows, partitioned }) => hasRows && !partitioned,
    )
    const replaced = filled.filter((table) => ours.has(tableKey(table)))
    const shown = ({ schema, name, kind }: Relation) =>
      `${kind} ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
    if (clashing.length > 0) {
      return {
        status: 'warning',
        found: say`objects with the same name are of another kind on the destination, so those of the source cannot be created`,
        todo: say`Rename or drop those of the destination, or choose an empty database.`,
        objects: clashing.map((one) => `${shown(one)}: on the source ${ours.get(tableKey(one))?.kind}`),
      }
    }
    const found = say`${formatCount(theirs.filter(({ kind }) => kind !== 'index').length, 'object')} on the destination, ${both.length} with the same name as on the source; ${formatCount(filled.length, 'table')} with rows, ${replaced.length} of them also on the source`
    // With --data-only, tables are expected to exist.
    if (options.dataOnly && replaced.length === 0) return passed(found)
    if (both.length === 0) return passed(found)
    return {
      status: 'warning',
      found,
      todo: say`Choose an empty database, or set --existing-tables and --existing-rows.`,
      objects:
        replaced.length > 0
          ? replaced.map((table) => shown({ ...table, kind: 'table with rows' }))
          : both.map(shown),
    }
  },
}

const eventTriggers: Check = {
  id: 'event-triggers',
  title: 'Event triggers on the destination',
  why: say`They fire for every object that the migration creates, and may reject or change it.`,
  fixable: true,
  async look({ destination, managed }) {
    const triggers = await destination.query<{ name: string; owner: string; mode: string }>(
      `select pg_catalog.quote_ident(t.evtname) as name, pg_catalog.pg_get_userbyid(t.evtowner) as owner,
              case t.evtenabled when 'A' then ' always' when 'R' then ' replica' else '' end as mode
         from pg_catalog.pg_event_trigger t
        where t.evtenabled <> 'D' and not ${isExtensions('pg_event_trigger', 't.oid')}
        order by 1`,
    )
    const isProviders = ({ owner }: { owner: string }) => managed.destination?.isInternal(owner) ?? false
    return findingFor(
      triggers.map((one) => (isProviders(one) ? `${one.name} (of the provider)` : one.name)),
      say`none is enabled`,
      {
        status: 'warning',
        found: say`some are enabled`,
        todo: say`Disable them for the duration of the migration, unless they are intended for it.${triggers.some(isProviders) ? say` Those of the provider stay enabled.` : ''}`,
        sql: triggers
          .filter((one) => !isProviders(one))
          .map(({ name, owner, mode }) => ({
            end: 'destination',
            by: `"${owner}" or a superuser`,
            notes: [`afterwards: alter event trigger ${name} enable${mode}`],
            sql: `alter event trigger ${name} disable`,
          })),
      },
    )
  },
}

export const existingChecks: readonly Check[] = [existing, eventTriggers]
