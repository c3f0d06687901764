// Objects that pg_dump omits, so that the destination will not have them.

import { say } from '../../shared/say.ts'
import { fromIndexes, fromTriggers, isExtensions, qualifiedName } from './catalog-sql.ts'
import { type Check, type Finding, findingFor, foundIn, namesOf, type Remark } from './check.ts'
import { fixes, ownerOf } from './fix.ts'

/** User objects in system schemas, which pg_dump skips. */
const systemSchemas: Check = {
  id: 'objects-in-system-schemas',
  title: 'Objects that cannot be dumped',
  why: say`pg_dump skips everything in system schemas, also user-defined objects: objects that use them fail.`,
  async look({ source, scope }): Promise<Remark> {
    if (!scope.isEverything && !scope.hasOther()) {
      return { status: 'ok', found: say`not checked, since only some objects are selected` }
    }
    const names = await namesOf(source, inSystemSchemas)
    return findingFor(names, say`there are none`, {
      status: 'warning',
      found: say`user-defined objects are in system schemas`,
      todo: say`Move them to a user schema before the migration, or create them on the destination by hand.`,
    })
  },
}

const inSystemSchemas = `
  select 'relation ' || ${qualifiedName} as name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.oid >= 16384 and n.nspname in ('pg_catalog', 'information_schema') and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
     and not ${isExtensions('pg_class', 'c.oid')}
   union all
  select 'function ' || p.oid::regprocedure
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   where p.oid >= 16384 and n.nspname in ('pg_catalog', 'information_schema') and not ${isExtensions('pg_proc', 'p.oid')}
   union all
  select 'type ' || t.oid::regtype
    from pg_catalog.pg_type t
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
   where t.oid >= 16384 and n.nspname in ('pg_catalog', 'information_schema') and t.typtype in ('d', 'e', 'r', 'b')
     and t.typelem = 0 and not ${isExtensions('pg_type', 't.oid')}
   order by 1`

/** CREATE EXTENSION creates its tables in their original form. */
const onExtensions: Check = {
  id: 'extension-changes',
  title: 'Changes to extensions',
  why: say`The destination creates an extension in its original form: indexes, triggers and columns that were added to its tables are missing there.`,
  fixable: true,
  async look(context): Promise<Finding> {
    const added = await foundIn<{ name: string; sql: string }>(
      context,
      `select c.oid as of, ${indexName} as name, pg_catalog.pg_get_indexdef(x.oid) as sql
         ${fromIndexes}
        where c.oid >= 16384 and ${isExtensions('pg_class', 'c.oid')}
          and c.relkind in ('r', 'p', 'm')
          and not exists (select from pg_catalog.pg_constraint k where k.conindid = x.oid and k.conrelid = c.oid)
          and not ${madeWith('pg_class', 'x.oid')}
        union all
       select c.oid, ${triggerName}, pg_catalog.pg_get_triggerdef(t.oid)
         ${fromTriggers}
        where not t.tgisinternal and c.oid >= 16384 and ${isExtensions('pg_class', 'c.oid')}
          and not ${isExtensions('pg_trigger', 't.oid')}
          and not ${madeWith('pg_trigger', 't.oid')}
        order by 2`,
    )
    const there = new Set(await namesOf(context.destination, addedNames))
    const lacking = added.filter(({ name }) => !there.has(name))
    return findingFor(
      lacking.map(({ name }) => name),
      say`none that would be missing`,
      {
        status: 'warning',
        found: say`objects seem to have been added to tables of extensions`,
        todo: say`Create them on the destination after the migration.`,
        sql: fixes('destination', ownerOf('the table'), ...lacking.map(({ sql }) => sql)),
      },
    )
  },
}

const indexName = `'index ' || pg_catalog.quote_ident(x.relname) || ' on ' || ${qualifiedName}`
const triggerName = `'trigger ' || pg_catalog.quote_ident(t.tgname) || ' on ' || ${qualifiedName}`

const addedNames = `
  select ${indexName} as name ${fromIndexes}
   union all
  select ${triggerName} ${fromTriggers}`

/** True for what the extension's own transaction has added: later additions have a later dependency. */
function madeWith(catalog: string, oid: string): string {
  return `exists (select from pg_catalog.pg_depend d
                   join pg_catalog.pg_depend e on e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid
                                              and e.objsubid = 0 and e.deptype = 'e'
                  where d.classid = 'pg_catalog.${catalog}'::regclass and d.objid = ${oid}
                    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.oid
                    and d.xmin = e.xmin)`
}

export const undumpedChecks: readonly Check[] = [systemSchemas, onExtensions]
