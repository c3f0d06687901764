// The preflight checks of a migration and their findings: the same for the terminal, the page and the API.
import { type Static, Type } from '@sinclair/typebox'
import { loose, RequestBody } from './api.ts'
import { ErrorInfo } from './error-info.ts'
import { FollowOptions } from './follow-options.ts'
import { oneOf } from './one-of.ts'

export const checkStatuses = ['ok', 'warning', 'blocker'] as const
/**
 * `blocker`: the run as a whole cannot work, or data would be lost silently. `warning`: should be known before the run;
 * the named objects may fail, and are reported then.
 */
export const CheckStatus = oneOf(checkStatuses)
export type CheckStatus = (typeof checkStatuses)[number]

export const PreflightItem = Type.Object({
  id: Type.String(),
  title: Type.String(),
  status: CheckStatus,
  /** The finding, in one sentence. */
  found: Type.String(),
  /** Names of the first objects that it concerns. */
  objects: Type.Array(Type.String()),
  /** The number of all of them. */
  total: Type.Integer(),
  why: Type.String(),
  /** The fix in words; null when nothing has to be done. */
  todo: Type.Union([Type.String(), Type.Null()]),
  /** The first of the statements that fix it, if there are any. */
  sql: Type.Array(Type.String()),
  /** The check failed, and has no result. */
  error: Type.Optional(ErrorInfo),
})
export type PreflightItem = Static<typeof PreflightItem>

const arrivals = [
  'missing',
  'empty',
  'copying',
  'copied',
  'switched',
  'returned',
  'complete',
  'occupied',
] as const

export const PreflightReport = Type.Object({
  /** The worst of the items. */
  status: CheckStatus,
  /** Whether the prerequisites of following were checked. */
  follow: Type.Boolean(),
  /** Checks of content cover only selected objects. */
  scope: Type.Object({
    everything: Type.Boolean(),
    tables: Type.Integer({ description: 'Tables that would be migrated.' }),
    of: Type.Integer({ description: 'Tables that the source has.' }),
  }),
  items: Type.Array(PreflightItem),
})
export type PreflightReport = Static<typeof PreflightReport>

/** One database of a fleet. `error`: it could not be checked. */
export const FleetDatabaseReport = Type.Object({
  name: Type.String(),
  status: CheckStatus,
  /** The state of the destination's database of that name. */
  arrival: Type.Union([oneOf(arrivals), Type.Null()]),
  items: Type.Array(PreflightItem),
  error: Type.Optional(ErrorInfo),
})
export type FleetDatabaseReport = Static<typeof FleetDatabaseReport>

export const FleetMappingReport = Type.Object({
  name: Type.String(),
  source: Type.String(),
  destination: Type.String(),
  status: CheckStatus,
  /** Findings about the instances. */
  items: Type.Array(PreflightItem),
  databases: Type.Array(FleetDatabaseReport),
  error: Type.Optional(ErrorInfo),
})
export type FleetMappingReport = Static<typeof FleetMappingReport>

export const FleetPreflightReport = Type.Object({
  status: CheckStatus,
  mappings: Type.Array(FleetMappingReport),
})
export type FleetPreflightReport = Static<typeof FleetPreflightReport>

/** Hooks are not checked: they belong to the user. */
export const PreflightBody = Type.Object(
  {
    ...Type.Omit(RequestBody, ['hooks']).properties,
    follow: Type.Optional(
      Type.Union([loose(FollowOptions), Type.Boolean()], {
        description: 'Also checks the requirements for following: true, or how changes will be followed.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type PreflightBody = Static<typeof PreflightBody>
