// A source on a server of 15 and a destination on a server of 17.
import { cluster } from '../../tools/servers/clusters.ts'

/** Two new databases, each with its SQL executed. */
export async function pair(sourceSql: string, destinationSql = '') {
  const [from, to] = await Promise.all([cluster(15), cluster(17)])
  const source = await from.createDatabase()
  const destination = await to.createDatabase()
  if (sourceSql) await source.sql(sourceSql)
  if (destinationSql) await destination.sql(destinationSql)
  return { source, destination }
}
