// The messages between the page, scripts and the server about a fleet.
import { type Static, Type } from '@sinclair/typebox'
import { FleetAction, FleetView } from './fleet.ts'
import { SwitchoverOptions } from './switchover.ts'

const [, switchover, complete] = FleetAction.anyOf
const closed = { additionalProperties: false }
const seconds = SwitchoverOptions.properties.timeout_seconds

const place = {
  mapping: Type.Optional(Type.String({ description: 'Default: all.' })),
  database: Type.Optional(Type.String({ description: 'Default: all of the mapping.' })),
}

export const FleetActionBody = Type.Optional(Type.Object(place, closed))
export type FleetActionBody = Static<typeof FleetActionBody>

const { type: _switchover, timeout_seconds: _seconds, ...switchoverOptions } = switchover.properties
/** Required: a switchover of everything needs at least an empty object. */
export const FleetSwitchoverBody = Type.Object(
  {
    ...switchoverOptions,
    ...place,
    timeout_seconds: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, ...(seconds.description && { description: seconds.description }) }),
    ),
  },
  closed,
)
export type FleetSwitchoverBody = Static<typeof FleetSwitchoverBody>

const { type: _complete, ...completed } = complete.properties
export const FleetCompleteBody = Type.Object(completed, closed)
export type FleetCompleteBody = Static<typeof FleetCompleteBody>

/** The maximum of the interval between two updates. */
export const longestRefreshSeconds = 3600

/** A message of a watcher on the WebSocket: the minimum interval between updates of numbers. */
export const FleetWish = Type.Object(
  {
    type: Type.Literal('fleet'),
    refresh_seconds: Type.Number({ minimum: 0, maximum: longestRefreshSeconds }),
  },
  closed,
)
export type FleetWish = Static<typeof FleetWish>

/**
 * Partial: contains only changed mappings and databases, each completely, and the new lines of the log. Reports of
 * switchovers are left out: /api/fleet has them.
 */
export const FleetUpdate = Type.Object({ ...FleetView.properties, partial: Type.Optional(Type.Boolean()) })
export type FleetUpdate = Static<typeof FleetUpdate>

export const FleetMessage = Type.Object({ type: Type.Literal('fleet'), data: FleetUpdate })
export type FleetMessage = Static<typeof FleetMessage>
