// What is used where a request says nothing, from the schemas. The build of the page puts the values in their place, so
// that it need not load the schemas.
import { Value } from '@sinclair/typebox/value'
import { FollowOptions } from './follow-options.ts'
import { MigrationOptions, Selection } from './request.ts'
import { SwitchoverOptions } from './switchover.ts'

export const defaultOptions: MigrationOptions = Value.Create(MigrationOptions)
export const everything: Selection = Value.Create(Selection)
export const defaultFollowOptions: FollowOptions = Value.Create(FollowOptions)
export const defaultSwitchoverOptions: SwitchoverOptions = Value.Create(SwitchoverOptions)
/** Of the options that are numbers. */
export const optionLimits = limitsOf(MigrationOptions)

function limitsOf({ properties }: typeof MigrationOptions) {
  const limits: Record<string, { minimum: number; maximum?: number }> = {}
  for (const [name, schema] of Object.entries(properties)) {
    if (schema.type !== 'integer') continue
    const { minimum = 0, maximum } = schema
    limits[name] = { minimum, ...(maximum !== undefined && { maximum }) }
  }
  return limits
}
