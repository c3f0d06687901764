// Roles and tablespaces that the destination server needs.
import { say } from '../../shared/say.ts'
import { readUsedRoles, unusableRoles } from '../catalog/destination.ts'
import { quoteIdentifier } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { managedBy } from '../roles/recognise.ts'
import { currentDatabase } from './catalog-sql.ts'
import { type Check, type Finding, findingFor, namesFound, namesOf, passed, type Remark } from './check.ts'
import { fixes } from './fix.ts'
import type { Scope } from './scope.ts'

const roles: Check = {
  id: 'roles',
  planned: true,
  title: 'Roles',
  why: say`Objects whose owner is missing will belong to the connecting role, and grants to missing roles are omitted.`,
  fixable: true,
  async look({ source, facts, lacks, options, scope, managed }): Promise<Finding> {
    if (!options.owner && !options.acl) return passed(say`owners and grants are not migrated`)
    const usedRoles = await usedBy(source, scope)
    const unusable = unusableRoles({ lacks, usedRoles })
    const missing = unusable.filter((name) => !lacks.roles.has(name))
    const { user, superuser } = facts.destination
    const ofProvider = managedBy(await readRoleNames(source))
    const isOutOfReach = (name: string) =>
      name.startsWith('pg_') || [ofProvider, managed.destination].some((one) => one?.isInternal(name))
    const objects = unusable.map((name) =>
      lacks.roles.has(name) ? say`${name}: "${user}" is not a member of it` : say`${name}: does not exist`,
    )
    return findingFor(
      objects,
      usedRoles.length === 0 ? say`no other role is used` : say`all roles that are used exist there`,
      {
        status: 'warning',
        found:
          missing.length > 0
            ? say`the destination lacks roles that own objects or have grants`
            : say`"${user}" may not assign objects to all of their owners`,
        todo: say`Run "pgtrek roles" first, which migrates them with their rights, or use --no-owner and --no-acl.${unusable.some(isOutOfReach) ? say` Roles of PostgreSQL itself or of a provider can be neither created nor granted: their objects will belong to the connecting role.` : ''}`,
        sql: unusable
          .filter((name) => !isOutOfReach(name))
          .flatMap((name) =>
            fixes(
              'destination',
              'a role with CREATEROLE that may grant it, or a superuser',
              ...(lacks.roles.has(name) ? [] : [`create role ${quoteIdentifier(name)}`]),
              ...(superuser ? [] : [`grant ${quoteIdentifier(name)} to ${quoteIdentifier(user)}`]),
            ),
          ),
      },
    )
  },
}

export const readRoleNames = (session: Session): Promise<string[]> =>
  namesOf(session, 'select rolname as name from pg_catalog.pg_roles')

/** Roles that own a migrated object or have a grant on one. */
async function usedBy(source: Session, scope: Scope): Promise<string[]> {
  if (scope.isEverything) return await readUsedRoles(source)
  const rows = await source.query<{ name: string; catalog: string; oid: number }>(`
    select distinct r.rolname as name, d.classid::regclass::text as catalog, d.objid as oid
      from pg_catalog.pg_shdepend d
      join pg_catalog.pg_roles r on r.oid = d.refobjid
     where d.refclassid = 'pg_catalog.pg_authid'::regclass
       and d.dbid = ${currentDatabase}
     order by 1`)
  const moved = rows.filter(({ catalog, oid }) => {
    const name = catalog.replace(/^pg_catalog\./, '')
    return isListed(name) ? scope.has(oid, name) : scope.hasOther()
  })
  return [...new Set(moved.map(({ name }) => name))]
}

const listed = ['pg_class', 'pg_proc', 'pg_type', 'pg_namespace'] as const

function isListed(catalog: string): catalog is (typeof listed)[number] {
  return listed.some((one) => one === catalog)
}

const tablespaces: Check = {
  id: 'tablespaces',
  planned: true,
  title: 'Tablespaces',
  why: say`Objects in a tablespace that the destination lacks are created in its default tablespace.`,
  async look(context): Promise<Remark> {
    const { lacks, options } = context
    if (!options.tablespaces) return passed(say`tablespaces are not migrated`)
    const rows = await namesFound(
      context,
      `select coalesce(i.indrelid, c.oid) as of, t.spcname as name
         from pg_catalog.pg_class c
         join pg_catalog.pg_tablespace t on t.oid = c.reltablespace
         left join pg_catalog.pg_index i on i.indexrelid = c.oid
        where c.oid >= 16384 and t.spcname <> 'pg_global'
        order by 2`,
    )
    const used = [...new Set(rows)]
    const missing = used.filter((name) => !lacks.tablespaces.has(name))
    return findingFor(missing, used.length === 0 ? say`only the default one is used` : say`all exist there`, {
      status: 'warning',
      found: say`the destination lacks some`,
      // Without a statement: the directory of a tablespace is not known here.
      todo: say`Create them on the destination (CREATE TABLESPACE ... LOCATION, with an empty directory of the server's user), or use --no-tablespaces to create everything in the default one.`,
    })
  },
}

export const globalObjectChecks: readonly Check[] = [roles, tablespaces]
