// What somebody does at the cutover of one mapping, step by step, with its real names.
import type { FleetMapping } from '../../shared/fleet.ts'
import { type ConnectionSettings, serverName } from '../postgres/settings.ts'

const mostNamed = 5

export function cutoverInstructions(
  mapping: FleetMapping,
  { source, destination }: { source: ConnectionSettings; destination: ConnectionSettings },
  databases: readonly string[],
): string[] {
  const named = databases.slice(0, mostNamed).join(', ') + (databases.length > mostNamed ? ', ...' : '')
  const [from, to] = [serverName(source), serverName(destination)]
  if (!mapping.follow) {
    return [
      `Stop the applications that write to ${from} (${named}) before the copy begins: what is written later is not copied.`,
      `Wait until every database of ${mapping.name} is synced and the row-count difference is 0.`,
      `Point the applications to ${destination.host}:${destination.port} and start them.`,
      `Mark ${mapping.name} complete.`,
    ]
  }
  const first = databases[0] ?? 'DATABASE'
  return [
    `Wait for the green light of every database of ${mapping.name} (${named}).`,
    `Tell the users of ${from} that it becomes read-only for a moment. Check who is connected: psql -h ${source.host} -p ${source.port} -d ${first} -c "select usename, application_name, count(*) from pg_stat_activity group by 1, 2".`,
    `Stop the applications that write there, or let the switchover make each database read-only.`,
    `Switch over, from the board, or one by one: pgtrek switchover --source postgres://${source.host}:${source.port}/${first} --dest postgres://${destination.host}:${destination.port}/${first} --read-only-source --keep-reverse --verify. It ends with the proof, or changes nothing.`,
    `Point the applications to ${destination.host}:${destination.port} (${to}) and start them. Set the passwords of roles that need one.`,
    `Check: row-count difference 0, no errors in the applications' logs, psql -h ${destination.host} -p ${destination.port} -d ${first} -c "select pg_is_in_recovery()" answers f.`,
    `To return with --keep-reverse: pgtrek switchover --back with the same connections.`,
    `When you are sure: mark ${mapping.name} complete; slots, publications and positions go from both sides.`,
  ]
}
