// What is looked at before a migration, and what was found: the same for the terminal, the page and the API.
import { type Static, Type } from '@sinclair/typebox'
import { loose, RequestBody } from './api.ts'
import { ErrorInfo } from './error-info.ts'
import { FollowOptions } from './follow-options.ts'
import { oneOf } from './one-of.ts'

export const checkStatuses = ['ok', 'warning', 'blocker'] as const
/**
 * `blocker`: the run as a whole cannot work, or something would be lost without a word. `warning`: somebody should
 * know before; what it names may fail alone, and is reported then.
 */
export const CheckStatus = oneOf(checkStatuses)
export type CheckStatus = (typeof checkStatuses)[number]

export const PreflightItem = Type.Object({
  id: Type.String(),
  title: Type.String(),
  status: CheckStatus,
  /** What is the case, in one sentence. */
  found: Type.String(),
  /** Names of what it concerns: the first of them. */
  objects: Type.Array(Type.String()),
  /** How many there are altogether. */
  total: Type.Integer(),
  why: Type.String(),
  /** What to do about it; null when nothing is to be done. */
  todo: Type.Union([Type.String(), Type.Null()]),
  /** The statements that mend it, where there are such; the first of them. */
  sql: Type.Array(Type.String()),
  /** The check itself went wrong, and so knows nothing. */
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
  /** Whether what following changes needs was looked at. */
  follow: Type.Boolean(),
  /** Checks of content look at what was selected only. */
  scope: Type.Object({
    everything: Type.Boolean(),
    tables: Type.Integer({ description: 'Tables that would be migrated.' }),
    of: Type.Integer({ description: 'Tables that the source has.' }),
  }),
  items: Type.Array(PreflightItem),
})
export type PreflightReport = Static<typeof PreflightReport>

/** One database of a fleet. `error`: it could not be looked at at all. */
export const FleetDatabaseReport = Type.Object({
  name: Type.String(),
  status: CheckStatus,
  /** What is on the destination under its name. */
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
  /** What concerns the instances, once. */
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

/** Hooks are not looked at: they are the user's own. */
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
