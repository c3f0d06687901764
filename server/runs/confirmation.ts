// Nothing on the destination is dropped or emptied unless the user has confirmed exactly that.

import { createHash } from 'node:crypto'
import { printable } from '../../shared/printable.ts'
import { showName } from '../../shared/table-name.ts'
import type { Plan } from '../migrate/plan/types.ts'
import { PlanRefused } from '../postgres/errors.ts'

/** `true` confirms everything, a text the plan that it was shown with; a function asks the user. */
export type Confirmation = boolean | string | ((plan: Plan) => boolean | Promise<boolean>)

const mostNamed = 5

/** Throws a PlanRefused with instructions if nobody can be asked, because a page or a script has started the run. */
export async function isConfirmed(plan: Plan, confirmed: Confirmation): Promise<boolean> {
  if (typeof confirmed === 'function') return await confirmed(plan)
  if (confirmed === true || confirmed === confirmationOf(plan)) return true
  const { destroyed } = plan
  const names = destroyed.slice(0, mostNamed).map((one) => printable(showName(one)))
  const named = names.join(', ') + (destroyed.length > mostNamed ? ', ...' : '')
  throw new PlanRefused(
    typeof confirmed === 'string'
      ? 'the destination has changed since the plan was shown: other objects would be dropped or emptied now. Nothing was changed; check the plan again'
      : `${destroyed.length} ${destroyed.length === 1 ? 'object' : 'objects'} of the destination would be dropped or emptied (${named}). Nothing was changed; check the plan and confirm it`,
  )
}

/** Changes with the objects that would be dropped or emptied. */
export function confirmationOf({ destroyed }: Pick<Plan, 'destroyed'>): string {
  const names = destroyed.map(({ action, kind, schema, name }) =>
    JSON.stringify([action, kind, schema, name]),
  )
  return createHash('sha256').update(names.sort().join('\n')).digest('hex').slice(0, 32)
}
