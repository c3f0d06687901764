// Migrating the roles of an instance: the request and the result. These types never contain a password or the hash of
// one.
import { type Static, Type } from '@sinclair/typebox'
import { ErrorInfo } from './error-info.ts'

export const roleModes = ['merge', 'skip', 'fail'] as const
export type RoleMode = (typeof roleModes)[number]

export const RoleOptions = Type.Object(
  {
    roles: Type.Union(
      roleModes.map((mode) => Type.Literal(mode)),
      {
        default: 'merge',
        description:
          'Roles that exist on the destination: `merge` adds what they lack, `skip` keeps them as they are, `fail` refuses the run if any differ.',
      },
    ),
    includeRoles: Type.Array(Type.String(), { default: [], description: 'Only these roles, with * and ?.' }),
    excludeRoles: Type.Array(Type.String(), { default: [], description: 'Not these roles.' }),
    passwords: Type.Boolean({ default: true, description: 'Copy passwords.' }),
  },
  { additionalProperties: false },
)
export type RoleOptions = Static<typeof RoleOptions>

export const roleStepKinds = [
  'create',
  'alter',
  'password',
  'membership',
  'comment',
  'label',
  'setting',
  'database_grant',
  'parameter_grant',
] as const

/** One statement for the destination, or its result. */
export const RoleStepReport = Type.Object({
  kind: Type.Union(roleStepKinds.map((kind) => Type.Literal(kind))),
  /** Null: it concerns all roles. */
  role: Type.Union([Type.String(), Type.Null()]),
  /** Secrets are masked. */
  sql: Type.String(),
  /** It changes a role, a database or a parameter that the destination had before. */
  changes_existing: Type.Boolean(),
  status: Type.Union([
    Type.Literal('planned'),
    Type.Literal('done'),
    Type.Literal('failed'),
    Type.Literal('skipped'),
  ]),
  error: Type.Optional(ErrorInfo),
  reason: Type.Optional(Type.String()),
})
export type RoleStepReport = Static<typeof RoleStepReport>

const sqlOrNull = Type.Union([Type.String(), Type.Null()])

/** Both servers have it, but it differs. It is left as the destination has it, for a user to decide. */
export const RoleDifference = Type.Object({
  role: Type.Union([Type.String(), Type.Null()]),
  what: Type.String(),
  source: Type.String(),
  destination: Type.String(),
  /** The statement that makes the destination equal to the source. */
  sql: sqlOrNull,
})
export type RoleDifference = Static<typeof RoleDifference>

/** The source has it, and pgtrek cannot create it on the destination. */
export const RoleObstacle = Type.Object({
  role: Type.Union([Type.String(), Type.Null()]),
  what: Type.String(),
  reason: Type.String(),
  /** For a user with the privilege. */
  sql: sqlOrNull,
})
export type RoleObstacle = Static<typeof RoleObstacle>

export const RolesReport = Type.Object({
  /** `refused`: in the mode `fail` something differs; nothing was changed. */
  status: Type.Union([
    Type.Literal('planned'),
    Type.Literal('refused'),
    Type.Literal('completed'),
    Type.Literal('completed_with_failures'),
    Type.Literal('cancelled'),
  ]),
  mode: Type.Union(roleModes.map((mode) => Type.Literal(mode))),
  roles: Type.Array(
    Type.Object({
      name: Type.String(),
      verdict: Type.Union([
        Type.Literal('create'),
        Type.Literal('change'),
        Type.Literal('same'),
        Type.Literal('keep'),
      ]),
      login: Type.Boolean(),
    }),
  ),
  steps: Type.Array(RoleStepReport),
  differences: Type.Array(RoleDifference),
  obstacles: Type.Array(RoleObstacle),
  /** Roles with LOGIN that have no password on the destination yet. */
  needs_password: Type.Array(Type.Object({ role: Type.String(), reason: Type.String() })),
  left_alone: Type.Array(Type.Object({ role: Type.String(), reason: Type.String() })),
  warnings: Type.Array(Type.String()),
})
export type RolesReport = Static<typeof RolesReport>
