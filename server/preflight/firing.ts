// Triggers and rules that fire for applied rows, although they have already fired on the source.

import { say } from '../../shared/say.ts'
import { fromRules, fromTriggers, isUsers, qualifiedName } from './catalog-sql.ts'
import { type Check, type CheckContext, type Finding, findingFor, foundIn, passed } from './check.ts'
import { type End, fixes, ownerOf } from './fix.ts'

interface Firing {
  of: number
  name: string
  /** For messages. */
  shown: string
  table: string
  /** The statement that limits it to ordinary sessions. */
  sql: string
}

const triggersSql = `
  ${firing('t.tgname', 'enable trigger')}
  ${fromTriggers}
   where t.tgenabled in ('A', 'R') and not t.tgisinternal and ${isUsers}
   order by 4`

/** Without the rules for SELECT, which define views. */
const rulesSql = (enabled: readonly string[], verb: string) => `
  ${firing('r.rulename', `${verb} rule`)}
  ${fromRules}
   where r.ev_type <> '1' and c.relkind in ('r', 'p') and ${isUsers}
     and r.ev_enabled in (${enabled.map((one) => `'${one}'`).join(', ')})
   order by 4`

function firing(name: string, change: string): string {
  return `select c.oid as of, ${name} as name, ${qualifiedName} as table,
         pg_catalog.format('%I on %s', ${name}, ${qualifiedName}) as shown,
         pg_catalog.format('alter table %s ${change} %I', ${qualifiedName}, ${name}) as sql`
}

/** Reads from the source's tables and from tables of the same names on the destination. */
async function readFiring(context: CheckContext, sql: string): Promise<{ ours: Firing[]; theirs: Firing[] }> {
  const tables = new Set(
    (
      await foundIn<{ of: number; table: string }>(
        context,
        `select c.oid as of, ${qualifiedName} as table
           from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p') and ${isUsers}`,
      )
    ).map(({ table }) => table),
  )
  const ours = await foundIn<Firing>(context, sql)
  const theirs = (await context.destination.query<Firing>(sql)).filter(({ table }) => tables.has(table))
  return { ours, theirs }
}

function named({ ours, theirs }: { ours: Firing[]; theirs: Firing[] }): Pick<Finding, 'sql'> & {
  objects: string[]
} {
  return {
    objects: [...ours.map(({ shown }) => shown), ...theirs.map(({ shown }) => `${shown} of the destination`)],
    sql: [...statements('source', ours), ...statements('destination', theirs)],
  }
}

function statements(end: End, firing: readonly Firing[]) {
  return fixes(end, ownerOf('the table'), ...firing.map(({ sql }) => sql))
}

const triggers: Check = {
  id: 'replica-triggers',
  title: 'Triggers that fire for replicated rows',
  why: say`With ENABLE ALWAYS or ENABLE REPLICA a trigger fires a second time, for rows that are copied into an existing table or applied.`,
  fixable: true,
  async look(context) {
    const found = await readFiring(context, triggersSql)
    // New tables get their triggers after their rows.
    if (!context.follow && !context.options.dataOnly && found.ours.length > 0)
      return passed(say`created after the rows are copied`)
    const { objects, sql } = named(found)
    return findingFor(objects, say`there are none`, {
      status: 'warning',
      found: say`these triggers fire on the destination for every row that is applied, with the search_path of the role there`,
      todo: say`Make sure that their effects may happen twice and that the tables they write to are not followed. Otherwise let them fire only for ordinary sessions until the switchover: change them on the source before the copy, or on existing tables of the destination.`,
      ...(sql && { sql }),
    })
  },
}

const rules: Check = {
  id: 'replica-rules',
  title: 'Rules that rewrite applied changes',
  why: say`A rule that is enabled for replicas rewrites the statements that apply changes: its action would happen twice, or the change not at all.`,
  fixable: true,
  followOnly: true,
  async look(context) {
    // For a role that may not set session_replication_role, ordinary rules act too: only disabling them helps.
    const { mayReplicate } = context.facts.destination
    const found = await readFiring(
      context,
      mayReplicate ? rulesSql(['A', 'R'], 'enable') : rulesSql(['O', 'A'], 'disable'),
    )
    const { objects, sql } = named(found)
    return findingFor(objects, say`there are none`, {
      status: 'blocker',
      found: say`following would stop at the first change of these tables`,
      todo: mayReplicate
        ? say`Let them act only for ordinary sessions until the switchover: change them on the source before the copy, and on existing tables of the destination.`
        : say`Have a superuser grant the right to set session_replication_role (15 and later), or disable the rules on the destination until the switchover. Tables of the source must not have such rules when they are copied.`,
      ...(sql && { sql }),
    })
  },
}

export const firingChecks: readonly Check[] = [triggers, rules]
