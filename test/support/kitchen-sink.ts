// A database with everything that pg_dump can dump, with names and values that are likely to break things.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster, Major, TestDatabase } from '../../tools/servers/clusters.ts'

const directory = join(import.meta.dir, 'kitchen-sink')

/** The roles that own and use its objects. Roles belong to a cluster: destinations need them first. */
export const kitchenSinkRoles = ['ks_owner', 'ks "reader"', 'ks_writer', 'ks_login']

export async function createKitchenSinkRoles(cluster: Cluster) {
  // Tests may do this at the same time, so they take turns.
  await cluster.sql(
    'postgres',
    `
    do $$
    begin
      perform pg_advisory_xact_lock(hashtext('kitchen sink roles'));
      if not exists (select from pg_roles where rolname = 'ks_owner')     then create role ks_owner; end if;
      if not exists (select from pg_roles where rolname = 'ks "reader"')  then create role "ks ""reader"""; end if;
      if not exists (select from pg_roles where rolname = 'ks_writer')    then create role ks_writer; end if;
      if not exists (select from pg_roles where rolname = 'ks_login')     then create role ks_login login password 'login'; end if;
    end $$`,
  )
}

/** Fills an empty database; its cluster must have the roles. */
export async function createKitchenSink(database: TestDatabase, major: Major) {
  for (const file of kitchenSinkFiles(major)) {
    try {
      await database.sql(readFileSync(join(directory, file), 'utf8'))
    } catch (error) {
      throw new Error(`${file}: ${(error as Error).message}`, { cause: error })
    }
  }
}

/** In order; a file with a number before `.sql` needs a server of that major or later. */
export function kitchenSinkFiles(major: Major): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.sql') && Number(/\.(\d+)\.sql$/.exec(file)?.[1] ?? 0) <= major)
    .sort((one, other) => order(one) - order(other))
}

function order(file: string): number {
  const [, subject, major] = /^(\d+)-[^.]*(?:\.(\d+))?\.sql$/.exec(file) ?? []
  if (!subject) throw new Error(`A file of the kitchen sink needs a number in front: ${file}`)
  return Number(subject) * 100 + Number(major ?? 0)
}
