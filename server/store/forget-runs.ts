// Deletes runs from the history. Runs that are still needed stay: those that run, and those whose suspended
// constraints are not restored.
import type { StateDatabase } from './state-database.ts'

const tables = [
  ['run_request', 'run'],
  ['dry_run_plan', 'run'],
  ['run_speeds', 'run'],
  ['run_log', 'run'],
  ['run_plan', 'run'],
  ['run_process', 'run'],
  ['run_step', 'run'],
  ['schedule_attempt', 'run'],
  ['run', 'id'],
] as const

export function forgetRuns(database: StateDatabase, runs: readonly string[]) {
  for (const run of runs) {
    database.transaction(() => {
      const needed = database
        .query<{ run: string }, [string, string]>(
          `select id as run from run where id = ? and status = 'running'
           union all select run from taken_away where run = ?`,
        )
        .get(run, run)
      if (needed) return
      for (const [table, column] of tables)
        database.query(`delete from ${table} where ${column} = ?`).run(run)
    })
  }
}
