// Steps that set values of sequences and attributes of large objects. A failure of one of them is returned, and does
// not affect the others.
import { showName } from '../../../shared/table-name.ts'
import { unusableRoles } from '../../catalog/destination.ts'
import { largeObjectStatements } from '../../catalog/large-objects.ts'
import {
  advanceSequenceStatement,
  readSequenceValues,
  setSequenceStatement,
} from '../../catalog/sequences.ts'
import { PgtrekError, ServerError, sqlstate } from '../../postgres/errors.ts'
import type { Step } from '../plan/step.ts'
import type { RunContext } from './context.ts'

export async function setSequences(
  { names, advance }: Extract<Step['work'], { kind: 'sequences' }>,
  { openSource, restore, options }: RunContext,
): Promise<Error[]> {
  await using source = await openSource()
  const values = await readSequenceValues(source, names)
  const byOid = new Map(names.map((name) => [name.oid, name]))
  const refused: Error[] = []
  const perBatch = 200
  for (let first = 0; first < values.length; first += perBatch) {
    const statements = values.slice(first, first + perBatch).map((value) => {
      const name = byOid.get(value.oid)
      if (!name) throw new Error(`the source returned a sequence that was not requested: ${value.oid}`)
      return {
        name,
        sql: advance ? advanceSequenceStatement(name, value) : setSequenceStatement(name, value),
      }
    })
    await restore.repeatedly(async ({ session }) => {
      try {
        await session.execute(statements.map(({ sql }) => sql).join(';\n'))
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        // One was refused: they are set one by one, to report which.
        for (const { name, sql } of statements) {
          await session.execute(sql).catch((failure) => {
            if (!(failure instanceof ServerError)) throw failure
            // The reason why a sequence is missing was reported.
            if (!options.dataOnly && missing.has(failure.sqlstate)) return
            refused.push(new PgtrekError(`${showName(name)}: ${failure.message}`))
          })
        }
      }
    })
  }
  return refused
}

const missing: ReadonlySet<string> = new Set([sqlstate.undefinedTable, sqlstate.undefinedSchema])

export async function setLargeObjectFacts(
  objects: Extract<Step['work'], { kind: 'large object facts' }>['objects'],
  { inventory, options, restore }: RunContext,
): Promise<Error[]> {
  const unusable = new Set(unusableRoles(inventory))
  const refused: Error[] = []
  await restore.repeatedly(async ({ session }) => {
    for (const object of objects) {
      const statements = largeObjectStatements(
        { ...object, grants: object.grants?.filter(({ grantee }) => !unusable.has(grantee ?? '')) ?? null },
        {
          owner: options.owner && !unusable.has(object.owner),
          grants: options.acl,
          comments: options.comments,
          labels: options.securityLabels,
        },
      )
      if (statements.length === 0) continue
      await session.execute(statements.join(';\n')).catch((failure) => {
        if (!(failure instanceof ServerError)) throw failure
        refused.push(new PgtrekError(`large object ${object.oid}: ${failure.message}`))
      })
    }
  })
  return refused
}
