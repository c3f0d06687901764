// What the page, scripts and the server say to each other about a fleet.
import { type Static, Type } from '@sinclair/typebox'
import { FleetAction, FleetView } from './fleet.ts'
import { SwitchoverOptions } from './follow-view.ts'

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
/** Not optional: to switch over everything is worth an empty object. */
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

/** The longest pause between two updates that can be asked for. */
export const longestRefreshSeconds = 3600

/** What a watcher can say on the WebSocket: numbers shall come no more often than this. */
export const FleetWish = Type.Object(
  {
    type: Type.Literal('fleet'),
    refresh_seconds: Type.Number({ minimum: 0, maximum: longestRefreshSeconds }),
  },
  closed,
)
export type FleetWish = Static<typeof FleetWish>

/**
 * Partial: only the mappings and databases that have changed, and the lines of the log that are new; each is whole.
 * The reports of switchovers are left out: /api/fleet has them.
 */
export const FleetUpdate = Type.Object({ ...FleetView.properties, partial: Type.Optional(Type.Boolean()) })
export type FleetUpdate = Static<typeof FleetUpdate>

export const FleetMessage = Type.Object({ type: Type.Literal('fleet'), data: FleetUpdate })
export type FleetMessage = Static<typeof FleetMessage>
