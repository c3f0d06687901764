// Foreign keys and triggers of the destination that are away while rows are copied. Each is remembered before
// it goes and forgotten when it is back, so that a run that is killed leaves what the next one, or a repair,
// needs to put it back.

import { showName } from '../../shared/phase.ts'
import type { ExistingForeignKey } from '../catalog/existing-foreign-keys.ts'
import { isLost, PgtrekError, ServerError, sqlstate } from '../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../postgres/quote.ts'
import type { Session } from '../postgres/session.ts'
import { isValidatedLater } from '../schema/constraints.ts'
import { disableTriggers, dropForeignKey, enableTriggers, type TriggersOf } from './foreign-keys.ts'
import type { RunMemory, Saved, SavedItem } from './memory.ts'
import { passing } from './restore.ts'

const mostAttempts = 5

export class TakenAway {
  #items: SavedItem[]
  readonly #tried = new Set<SavedItem>()

  constructor(readonly memory: Pick<RunMemory, 'save' | 'forget' | 'pending'>) {
    this.#items = memory.pending()
  }

  /** Something is away that nobody has tried to put back. */
  get isOpen(): boolean {
    return this.#items.some((item) => !this.#tried.has(item))
  }

  async takeTriggers(session: Session, table: TriggersOf): Promise<void> {
    const known = this.#items.some(({ saved }) => saved.kind === 'triggers' && saved.table === table)
    if (!known) this.#save({ kind: 'triggers', table })
    await session.execute(disableTriggers(table))
  }

  async takeForeignKey(session: Session, foreignKey: ExistingForeignKey): Promise<void> {
    // One that a killed run left unchecked is known as it was before that run.
    const known = this.#items.some(
      ({ saved }) => saved.kind === 'foreign key' && isSame(saved.foreignKey, foreignKey),
    )
    if (!known) this.#save({ kind: 'foreign key', foreignKey })
    await session.execute(dropForeignKey(foreignKey))
  }

  /** Puts back all that is away; what cannot be put back stays remembered and is returned with its reason. */
  async putBack(session: Session): Promise<Error[]> {
    const failures: Error[] = []
    for (const item of this.#items) {
      this.#tried.add(item)
      try {
        await patiently(() => putBack(session, item.saved))
        this.memory.forget(item.id)
        this.#items = this.#items.filter((one) => one.id !== item.id)
      } catch (error) {
        if (!(error instanceof ServerError) || isLost(error)) {
          this.#tried.delete(item)
          throw error
        }
        failures.push(await this.#failed(session, item, error))
      }
    }
    return failures
  }

  /** Without its tables there is nothing to put back, now or later: that is said once. */
  async #failed(session: Session, { id, saved }: SavedItem, error: ServerError): Promise<PgtrekError> {
    if (saved.kind === 'foreign key' && missing.has(error.sqlstate)) {
      const gone = await findGone(session, saved.foreignKey)
      if (gone) {
        this.memory.forget(id)
        this.#items = this.#items.filter((one) => one.id !== id)
        return new PgtrekError(
          `${describeSaved(saved)} is not put back, since ${gone} is not there any more: ${saved.foreignKey.definition}`,
        )
      }
    }
    return explained(error, saved)
  }

  #save(saved: Saved) {
    this.#items.push({ id: this.memory.save(saved), saved })
  }
}

export function describeSaved(saved: Saved): string {
  return saved.kind === 'triggers'
    ? `triggers of ${showName(saved.table)}`
    : `foreign key "${saved.foreignKey.name}" of ${showName(saved.foreignKey.table)}`
}

/** A lock of another step, or of somebody else's session, is in the way for a moment. */
async function patiently(action: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      const again = error instanceof ServerError && passing.has(error.sqlstate) && attempt < mostAttempts
      if (!again) throw error
      await Bun.sleep(100 * 2 ** attempt * (0.5 + Math.random()))
    }
  }
}

const missing: ReadonlySet<string> = new Set([sqlstate.undefinedTable, sqlstate.undefinedSchema])

async function findGone(session: Session, { table, referenced }: ExistingForeignKey) {
  for (const name of [table, referenced]) {
    const text = quoteLiteral(quoteQualified(name.schema, name.name))
    const { there } = await session.one<{ there: boolean }>(
      `select pg_catalog.to_regclass(${text}) is not null as there`,
    )
    if (!there) return showName(name)
  }
  return undefined
}

function isSame(one: ExistingForeignKey, other: ExistingForeignKey): boolean {
  return one.name === other.name && showName(one.table) === showName(other.table)
}

function explained(error: PgtrekError, saved: Saved): PgtrekError {
  const detail = error instanceof ServerError && error.detail ? ` (${error.detail})` : ''
  return new PgtrekError(
    `${describeSaved(saved)} could not be put back: ${error.message}${detail}. "pgtrek repair" tries again`,
    { cause: error },
  )
}

async function putBack(session: Session, saved: Saved): Promise<void> {
  if (saved.kind === 'foreign key') await putBackForeignKey(session, saved.foreignKey)
  else await putBackTriggers(session, saved.table)
}

/** First without a check, which takes a moment: from then on no wrong row comes in. */
async function putBackForeignKey(session: Session, key: ExistingForeignKey): Promise<void> {
  const table = quoteQualified(key.table.schema, key.table.name)
  const name = quoteIdentifier(key.name)
  const [there] = await session.query<{ validated: boolean }>(`
    select k.convalidated as validated
      from pg_catalog.pg_constraint k
     where k.conrelid = pg_catalog.to_regclass(${quoteLiteral(table)})
       and k.conname = ${quoteLiteral(key.name)}
       and k.contype = 'f'`)
  const isLater = isValidatedLater(session.major, key)
  if (!there) {
    // One that was NOT VALID says so itself, and becomes so again.
    const definition = key.validated && isLater ? `${key.definition} not valid` : key.definition
    const comment = key.comment
      ? `; comment on constraint ${name} on ${table} is ${quoteLiteral(key.comment)}`
      : ''
    const add = (how: string) =>
      session.execute(`alter table ${table} add constraint ${name} ${definition}${how}${comment}`)
    try {
      await add('')
    } catch (error) {
      // Unchecked, it still keeps out new rows that do not fit.
      const isPossible = key.validated && !isLater && !key.tablePartitioned
      if (isPossible && error instanceof ServerError && error.sqlstate === sqlstate.foreignKeyViolation) {
        await add(' not valid')
      }
      throw error
    }
  }
  if (key.validated && isLater && !there?.validated) {
    await session.execute(`alter table ${table} validate constraint ${name}`)
  }
}

/** A trigger that somebody has dropped in the meantime, or switched on again, is not ours any more. */
async function putBackTriggers(session: Session, saved: TriggersOf): Promise<void> {
  const off = await session.query<{ name: string }>(`
    select tgname as name
      from pg_catalog.pg_trigger
     where tgrelid = pg_catalog.to_regclass(${quoteLiteral(quoteQualified(saved.schema, saved.name))})
       and tgenabled = 'D'
       and (not tgisinternal or tgconstraint = 0)`)
  const names = new Set(off.map((row) => row.name))
  const triggers = saved.triggers.filter((trigger) => names.has(trigger.name))
  if (triggers.length > 0) await session.execute(enableTriggers({ ...saved, triggers }))
}
