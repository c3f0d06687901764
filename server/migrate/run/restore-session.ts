// One session that creates objects, each statement with the settings that pg_dump requires for it.
import { isLost, PgtrekError, ServerError, sqlstate } from '../../postgres/errors.ts'
import { quoteIdentifier } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { withPlainNames } from '../../schema/plain-names.ts'
import { withRawBytes } from '../../schema/raw-bytes.ts'
import type { SqlWork } from '../plan/step.ts'

const attempts = 6
const firstPauseMs = 50

/** Another session, often one of pgtrek, held a lock or changed the same object: a repeated statement may succeed. */
export const passing: ReadonlySet<string> = new Set([
  sqlstate.deadlockDetected,
  sqlstate.lockNotAvailable,
  sqlstate.serializationFailure,
])

const exists: ReadonlySet<string> = new Set([
  sqlstate.duplicateSchema,
  sqlstate.duplicateTable,
  sqlstate.duplicateFunction,
  sqlstate.duplicateObject,
])

/** Errors with which an existing table refuses something that it already has. */
export const alreadySo: ReadonlySet<string> = new Set(['55000', '42P16', '42809'])

export interface SqlOutcome {
  /** The object existed and was kept unchanged. */
  kept: boolean
  /** Errors of its owner or single grants; the object itself was created. */
  refused: Error[]
}

/** An attribute of an object that was refused, such as its owner. */
export class Refused extends PgtrekError {
  constructor(statement: string, cause: ServerError) {
    super(`${withPlainNames(statement)}: ${cause.message}`, { cause })
  }
}

function script(statements: readonly string[]): string {
  return statements.map(withRawBytes).join(';\n')
}

type Placement = { tablespace?: string | undefined; accessMethod?: string | undefined }

export class RestoreSession {
  #tablespace: string | undefined
  #accessMethod: string | undefined

  constructor(
    readonly session: Session,
    readonly onCommit: (transaction: string) => void,
  ) {}

  async run(work: SqlWork, alsoKept: ReadonlySet<string>): Promise<SqlOutcome> {
    const setting = this.#placement(work)
    if (setting.length > 0) await this.session.execute(setting.join(';\n'))
    this.#rememberPlacement(work)
    const everything = script([...work.statements, ...work.extras])
    try {
      // Usually one round trip and one transaction.
      await this.#patiently(everything)
      return { kept: false, refused: [] }
    } catch (error) {
      if (work.extras.length === 0 && !isKept(error, work, alsoKept)) throw error
    }
    const outcome: SqlOutcome = { kept: false, refused: [] }
    if (work.statements.length > 0) {
      try {
        await this.#patiently(script(work.statements))
      } catch (error) {
        if (!isKept(error, work, alsoKept)) throw error
        // The owner and grants of an object that existed are not changed.
        return { kept: true, refused: [] }
      }
    }
    for (const extra of work.extras) {
      try {
        await this.#patiently(script([extra]))
      } catch (error) {
        if (!(error instanceof ServerError) || isLost(error)) throw error
        outcome.refused.push(new Refused(extra, error))
      }
    }
    return outcome
  }

  async runTogether(works: readonly SqlWork[]): Promise<void> {
    const before = { tablespace: this.#tablespace, accessMethod: this.#accessMethod }
    const statements: string[] = []
    for (const work of works) {
      statements.push(...this.#placement(work), ...work.statements, ...work.extras)
      this.#rememberPlacement(work)
    }
    try {
      await this.#commit(script(statements))
    } catch (error) {
      // The rollback has reset the settings.
      this.#tablespace = before.tablespace
      this.#accessMethod = before.accessMethod
      throw error
    }
  }

  /** The settings that this work needs and the session does not have. */
  #placement({ tablespace, accessMethod }: Placement): string[] {
    const settings: string[] = []
    if (tablespace !== undefined && tablespace !== this.#tablespace) {
      settings.push(`set default_tablespace = ${tablespace === '' ? "''" : quoteIdentifier(tablespace)}`)
    }
    if (accessMethod && accessMethod !== this.#accessMethod) {
      // As pg_dump wrote it, quotes included.
      settings.push(`set default_table_access_method = ${accessMethod}`)
    }
    return settings
  }

  #rememberPlacement({ tablespace, accessMethod }: Placement) {
    if (tablespace !== undefined) this.#tablespace = tablespace
    if (accessMethod) this.#accessMethod = accessMethod
  }

  /** Commits asynchronously, and returns the transaction's id, so that its outcome can be queried. */
  async #commit(sql: string): Promise<void> {
    // For several statements the result is a list with the rows of each.
    const answers: unknown = await this.session.query(
      `set local synchronous_commit = off;\n${sql};\nselect pg_catalog.txid_current_if_assigned()::text as id`,
    )
    const [row] = (answers as { id: string | null }[][]).at(-1) ?? []
    if (row?.id) this.onCommit(row.id)
  }

  async #patiently(sql: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#commit(sql)
      } catch (error) {
        const again = error instanceof ServerError && passing.has(error.sqlstate) && attempt < attempts
        if (!again) throw error
        await Bun.sleep(firstPauseMs * 2 ** attempt * (0.5 + Math.random()))
      }
    }
  }
}

function isKept(error: unknown, work: SqlWork, alsoKept: ReadonlySet<string>): boolean {
  return (
    work.mayExist &&
    error instanceof ServerError &&
    (exists.has(error.sqlstate) || alsoKept.has(error.sqlstate))
  )
}
