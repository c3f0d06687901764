// Loaded before `pgtrek`: kills its own process with SIGKILL, at one exact statement of its work.
import { join } from 'node:path'
import { Session } from '../../server/postgres/session.ts'

export interface KillPoint {
  /** Statements that have to be executed in this order; the process is killed at the last one. */
  statements: string[]
  /** Default: before the last one is sent. */
  when?: 'before' | 'after'
}

const variable = 'KILLED_AT'

/** `pgtrek` from its source, with the statement at which it is killed. */
export const mortalProgram = [
  process.execPath,
  '--preload',
  import.meta.path,
  join(import.meta.dir, '../../server/main.ts'),
]

export function dyingAt(point: KillPoint): Record<string, string> {
  return { [variable]: JSON.stringify(point) }
}

const given = process.env[variable]
if (given) {
  const { statements, when = 'before' } = JSON.parse(given) as KillPoint
  const open = statements.map((text) => new RegExp(text, 's'))
  const dying = async <Result>(text: string, send: () => Promise<Result>): Promise<Result> => {
    if (!open[0]?.test(text)) return await send()
    open.shift()
    const isLast = open.length === 0
    if (isLast && when === 'before') process.kill(process.pid, 'SIGKILL')
    const result = await send()
    if (isLast) process.kill(process.pid, 'SIGKILL')
    return result
  }
  const { query, execute } = Session.prototype
  Session.prototype.query = function <Row extends object>(
    this: Session,
    text: string,
    parameters?: readonly (string | number | null)[],
  ) {
    return dying(text, () =>
      query.call<Session, [string, typeof parameters], Promise<Row[]>>(this, text, parameters),
    )
  }
  Session.prototype.execute = function (this: Session, text: string) {
    return dying(text, () => execute.call(this, text))
  }
}
