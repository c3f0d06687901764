// Databases whose objects all belong to a role without other privileges.
import type { Cluster, TestDatabase } from '../../tools/servers/clusters.ts'

export interface Owned extends TestDatabase {
  /** As the owner, not as a superuser. */
  loginUrl: string
}

let made = 0

/** The same role on all of the servers. */
export async function plainRole(...servers: Cluster[]): Promise<string> {
  const role = `owner_${++made}_${crypto.randomUUID().slice(0, 8)}`
  for (const server of new Set(servers)) {
    await server.sql('postgres', `create role ${role} login password 'postgres'`)
  }
  return role
}

/** The role may create objects in `public`, and owns what the SQL creates; the database is not its own. */
export async function ownedDatabase(server: Cluster, role: string, sql = ''): Promise<Owned> {
  const database = await server.createDatabase()
  await database.sql(
    `grant create, usage on schema public to ${role}; grant create, temporary on database "${database.name}" to ${role}`,
  )
  if (sql) await database.sql(`set role ${role}; ${sql}`)
  return { ...database, loginUrl: server.url(database.name, role) }
}
