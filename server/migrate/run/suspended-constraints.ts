// Foreign keys and triggers of the destination that are suspended while rows are copied. Each is noted on the
// destination, in the transaction that suspends it, and the note is deleted when it is restored. After a run was
// killed, the next run or a repair restores it from the notes.

import { messageOf } from '../../../shared/message-of.ts'
import { showName } from '../../../shared/table-name.ts'
import type { TriggersOf } from '../../catalog/existing.ts'
import type { ExistingForeignKey } from '../../catalog/existing-foreign-keys.ts'
import type { Saved, SavedItem } from '../../coordination/suspension-notes.ts'
import {
  describeSaved,
  dropWithNote,
  forgetNote,
  type Note,
  newNoteId,
  tidyNotes,
} from '../../coordination/suspension-notes.ts'
import { isLost, PgtrekError, ServerError, sqlstate } from '../../postgres/errors.ts'
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { isValidatedLater } from '../../schema/constraints.ts'
import type { RunMemory } from '../../store/run-memory.ts'
import { disableTriggers, dropForeignKey, enableTriggers } from '../plan/foreign-keys.ts'
import { passing } from './restore.ts'

const mostAttempts = 5

interface Item extends SavedItem {
  place: 'server' | 'local'
  /** Its note is known to be committed: a lost connection leaves that in doubt. */
  isSafe: boolean
}

export interface TakenAwayOptions {
  run: string
  memory: Pick<RunMemory, 'save' | 'forget' | 'pending' | 'place'>
  /** Notes of runs that have ended. */
  left: readonly Note[]
  /** The table of notes existed before: it is dropped at the end also when it is empty. */
  isThere: boolean
  warn(message: string): void
}

export class SuspendedConstraints {
  #items: Item[]
  readonly #tried = new Set<Item>()
  #isWarned = false
  #isToTidy: boolean

  constructor(readonly options: TakenAwayOptions) {
    const { left, memory, isThere } = options
    this.#isToTidy = isThere
    const noted = left.map((item): Item => ({ ...item, place: 'server', isSafe: true }))
    const saved = memory.pending().map((item): Item => ({ ...item, place: 'local', isSafe: true }))
    this.#items = [...noted, ...saved]
  }

  /** Something is suspended and no restore was attempted, or there are notes to delete. */
  get isOpen(): boolean {
    return this.#isToTidy || this.#items.some((item) => !this.#tried.has(item))
  }

  async takeTriggers(session: Session, table: TriggersOf): Promise<void> {
    const known = this.#items.find(({ saved }) => saved.kind === 'triggers' && saved.table === table)
    await this.#take(session, known ?? this.#add({ kind: 'triggers', table }), disableTriggers(table))
  }

  async takeForeignKey(session: Session, foreignKey: ExistingForeignKey): Promise<void> {
    // A key that a killed run has left unchecked: its state before that run is in the note.
    const known = this.#items.find(
      ({ saved }) => saved.kind === 'foreign key' && isSame(saved.foreignKey, foreignKey),
    )
    const item = known ?? this.#add({ kind: 'foreign key', foreignKey })
    await this.#take(session, item, dropForeignKey(foreignKey))
  }

  #add(saved: Saved): Item {
    const item: Item = { id: newNoteId(), saved, place: 'server', isSafe: false }
    this.#items.push(item)
    return item
  }

  async #take(session: Session, item: Item, drop: string): Promise<void> {
    if (item.isSafe) return void (await session.execute(drop))
    const { id, saved } = item
    this.#isToTidy = true
    try {
      const refusal = await dropWithNote(session, { id, run: this.options.run, saved }, drop)
      if (refusal !== undefined) this.#saveHere(item, refusal)
      item.isSafe = true
      if (refusal !== undefined) await session.execute(drop)
    } catch (error) {
      if (error instanceof ServerError && !isLost(error) && item.place === 'server') this.#forgetItem(item)
      throw error
    }
  }

  /** The role may not store notes on the destination. */
  #saveHere(item: Item, refusal: string) {
    const { memory, warn } = this.options
    const { id, saved } = item
    try {
      memory.save(id, saved)
    } catch (error) {
      this.#forgetItem(item)
      throw new PgtrekError(
        `${describeSaved(saved)} was not suspended, since no note of it could be stored: on the destination: ${refusal}; locally: ${messageOf(error)}. Let the role create the schema pgtrek there, or make the directory writable`,
        { cause: error },
      )
    }
    item.place = 'local'
    if (this.#isWarned) return
    this.#isWarned = true
    warn(
      `the destination cannot store which foreign keys and triggers are suspended (${refusal}): if this run is killed, only ${memory.place} has the record. To store it on the destination, GRANT CREATE ON DATABASE`,
    )
  }

  /** Restores everything that is suspended. What cannot be restored stays noted, and is returned with its reason. */
  async restore(session: Session): Promise<Error[]> {
    const failures: Error[] = []
    for (const item of [...this.#items]) {
      this.#tried.add(item)
      try {
        await patiently(() => restoreSaved(session, item.saved))
        await this.#forget(session, item)
      } catch (error) {
        if (!(error instanceof ServerError) || isLost(error)) {
          this.#tried.delete(item)
          throw error
        }
        failures.push(await this.#failed(session, item, error))
      }
    }
    await tidyNotes(session)
    this.#isToTidy = false
    return failures
  }

  /** Everything that is still suspended. */
  get items(): readonly SavedItem[] {
    return this.#items
  }

  /** Without its tables it can never be restored: that is reported once. */
  async #failed(session: Session, item: Item, error: ServerError): Promise<PgtrekError> {
    const { saved } = item
    if (saved.kind === 'foreign key' && missing.has(error.sqlstate)) {
      const gone = await findGone(session, saved.foreignKey)
      if (gone) {
        await this.#forget(session, item)
        return new PgtrekError(
          `${describeSaved(saved)} is not restored, since ${gone} no longer exists: ${saved.foreignKey.definition}`,
        )
      }
    }
    return explained(error, saved)
  }

  async #forget(session: Session, item: Item) {
    if (item.place === 'local') this.options.memory.forget(item.id)
    else await forgetNote(session, item.id)
    this.#forgetItem(item)
  }

  #forgetItem(item: Item) {
    this.#items = this.#items.filter((one) => one !== item)
  }
}

/** Also the errors of another process that restores the same. */
const temporary: ReadonlySet<string> = new Set([...passing, sqlstate.duplicateObject])

/** A lock of another step or session may block for a moment. */
async function patiently(action: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      const again = error instanceof ServerError && temporary.has(error.sqlstate) && attempt < mostAttempts
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
    `${describeSaved(saved)} could not be restored: ${error.message}${detail}. "pgtrek repair" tries again`,
    { cause: error },
  )
}

async function restoreSaved(session: Session, saved: Saved): Promise<void> {
  if (saved.kind === 'foreign key') await restoreForeignKey(session, saved.foreignKey)
  else await restoreTriggers(session, saved.table)
}

/** First without a check of existing rows, which takes a moment: from then on no wrong row can be added. */
async function restoreForeignKey(session: Session, key: ExistingForeignKey): Promise<void> {
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
    // The definition of a NOT VALID key contains that, and the key becomes so again.
    const definition = key.validated && isLater ? `${key.definition} not valid` : key.definition
    const comment = key.comment
      ? `; comment on constraint ${name} on ${table} is ${quoteLiteral(key.comment)}`
      : ''
    const add = (how: string) =>
      session.execute(`alter table ${table} add constraint ${name} ${definition}${how}${comment}`)
    try {
      await add('')
    } catch (error) {
      // A key that is not validated still refuses new rows without a referenced row.
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

/** A trigger that was dropped or enabled in the meantime is not restored. */
async function restoreTriggers(session: Session, saved: TriggersOf): Promise<void> {
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
