// The log lines of runs, for display. Their number is limited: the log file of a run has all.
import type { LogLine, LogPage } from '../../shared/api.ts'
import type { LogLevel } from '../../shared/event.ts'
import type { StateDatabase } from './state-database.ts'

export interface LogQuery {
  /** The number of the last line that was read. */
  after: number
  limit: number
  /** This level and more severe ones. */
  level?: LogLevel | undefined
  /** Lines about this table or object, by its displayed name. */
  table?: string | undefined
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
/** The most lines that are kept for one run, by level. */
const mostLines: Record<LogLevel, number> = { debug: 20_000, info: 60_000, warn: 100_000, error: 100_000 }
const runsKept = 100
/** The most lines of one run that wait while the file cannot be written. */
const mostUnwritten = 10_000
const longestMessage = 10_000

export class RunLog {
  readonly #counts = new Map<string, number>()

  constructor(readonly database: StateDatabase) {
    database.define(`
      create table if not exists run_log (
        run     text    not null,
        line    integer not null,
        at      real    not null,
        level   integer not null,
        message text    not null,
        object  text,
        primary key (run, line)
      ) strict, without rowid`)
  }

  append(run: string, lines: readonly LogLine[]) {
    if (lines.length === 0) return
    this.database.transaction(() => {
      for (const { at, level, message, table } of lines) {
        const line = (this.#counts.get(run) ?? this.#count(run)) + 1
        if (line > mostLines[level]) continue
        this.database
          .query(
            'insert into run_log (run, line, at, level, message, object) values (?, ?, ?, ?, ?, ?)',
            `log of ${run} ${line % mostUnwritten}`,
          )
          .run(run, line, at, levels.indexOf(level), message.slice(0, longestMessage), table ?? null)
        this.#counts.set(run, line)
      }
    })
  }

  page(run: string, { after, limit, level = 'debug', table }: LogQuery): LogPage {
    const where = 'run = $run and level >= $level and ($table is null or object = $table)'
    const filter = { $run: run, $level: levels.indexOf(level), $table: table ?? null }
    const counted = this.database
      .query<{ total: number }, [typeof filter]>(`select count(*) as total from run_log where ${where}`)
      .get(filter)
    const rows = this.database
      .query<
        { line: number; at: number; level: number; message: string; object: string | null },
        [typeof filter & { $after: number; $limit: number }]
      >(
        `select line, at, level, message, object from run_log
          where ${where} and line > $after
          order by line
          limit $limit`,
      )
      .all({ ...filter, $after: after, $limit: limit + 1 })
    const shown = rows.slice(0, limit)
    return {
      lines: shown.map(({ at, level: grade, message, object }) => ({
        at,
        level: levels[grade] ?? 'info',
        message,
        ...(object !== null && { table: object }),
      })),
      total: counted?.total ?? 0,
      next: rows.length > limit ? (shown.at(-1)?.line ?? null) : null,
    }
  }

  /** Of old runs only the summary is kept. */
  forgetOld() {
    this.database
      .query(
        `delete from run_log where run not in (select id from run order by rowid desc limit ${runsKept})`,
      )
      .run()
  }

  #count(run: string): number {
    const row = this.database
      .query<{ last: number | null }, [string]>('select max(line) as last from run_log where run = ?')
      .get(run)
    return row?.last ?? 0
  }
}
