// Removes from a dump the objects that pgtrek's moves have created in the database.
import { type OwnObjects, ownSchema } from '../catalog/own.ts'
import type { ReadOnlyState } from '../catalog/read-only-state.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import type { Entry } from './entries.ts'
import { unquoted } from './plain-names.ts'

export function withoutOwn(entries: readonly Entry[], own: OwnObjects): Entry[] {
  return withoutReadOnly(
    entries.filter((entry) => !isOwn(entry, own)),
    own.readOnly,
  )
}

function isOwn({ kind, schema, name, statements }: Entry, own: OwnObjects): boolean {
  const [, about, named = ''] = /^(SCHEMA|PUBLICATION|SUBSCRIPTION) (.*)$/s.exec(name) ?? []
  const subject = { kind: about ?? kind, name: about ? unquoted(named) : name }
  if (own.schema && (schema === ownSchema || (subject.kind === 'SCHEMA' && subject.name === ownSchema))) {
    return true
  }
  // A table of a publication has the kind `publication table`.
  if (subject.kind.startsWith('PUBLICATION')) {
    return own.publications.has(subject.name) || own.publications.has(subject.name.split(' ')[0] ?? '')
  }
  if (subject.kind === 'SUBSCRIPTION') return own.subscriptions.has(subject.name)
  return own.schema && kind === 'TRIGGER' && /"?pgtrek"?\."?refuse_writes"?\(\)/.test(statements[0] ?? '')
}

const readOnlySetting = /^ALTER DATABASE .* SET "?default_transaction_read_only"? TO /

/** The state before a switchover made the database read-only. */
function withoutReadOnly(entries: Entry[], readOnly: ReadOnlyState | undefined): Entry[] {
  if (!readOnly || Object.keys(readOnly.moves).length === 0) return entries
  const { before } = readOnly
  return entries.flatMap((entry) => {
    if (entry.kind !== 'DATABASE PROPERTIES') return [entry]
    const statements = entry.statements.flatMap((statement) => {
      const [start] = readOnlySetting.exec(statement) ?? []
      if (start === undefined) return [statement]
      return before === null ? [] : [start + quoteLiteral(before)]
    })
    return statements.length > 0 ? [{ ...entry, statements }] : []
  })
}
