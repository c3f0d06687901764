// The web shop of the demo: PostgreSQL 14 with ten years of its history, and PostgreSQL 18 with an empty database.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../shared/message-of.ts'
import { startCluster, type TestDatabase } from '../servers/clusters.ts'

/** Free ports by default. */
export async function startShopServers(ports: { source?: number; destination?: number } = {}) {
  const [old, fresh] = await Promise.all([
    startCluster({ major: 14, ...(ports.source && { port: ports.source }) }),
    startCluster({ major: 18, ...(ports.destination && { port: ports.destination }) }),
  ])
  const roles = readFileSync(join(import.meta.dir, '00-roles.sql'), 'utf8')
  for (const server of [old, fresh]) await server.sql('postgres', roles)
  const destination = await fresh.createDatabase('shop')
  return {
    source: await old.createDatabase('shop'),
    destination,
    async emptyDestination() {
      await destination.drop()
      await fresh.createDatabase('shop')
    },
  }
}

export async function fillShop(database: TestDatabase) {
  const files = readdirSync(import.meta.dir).filter((name) => /^[1-9]\d*-.*\.sql$/.test(name))
  for (const file of files.sort()) {
    try {
      await database.sql(readFileSync(join(import.meta.dir, file), 'utf8'))
    } catch (error) {
      throw new Error(`${file}: ${messageOf(error)}`, { cause: error })
    }
  }
}
