// Requests and responses of the API about followed databases.
import { type Static, Type } from '@sinclair/typebox'
import { Conn, loose, MigrateBody } from './api.ts'
import { FollowOptions } from './follow-options.ts'
import { FollowView } from './follow-view.ts'
import { oneOf } from './one-of.ts'
import { SwitchoverOptions } from './switchover.ts'

export const FollowList = Type.Object({ follows: Type.Array(FollowView) })
export type FollowList = Static<typeof FollowList>

/** Copies, then follows; with `continue`, continues a move. */
export const FollowBody = Type.Object(
  {
    ...MigrateBody.properties,
    follow: Type.Optional(loose(FollowOptions)),
    continue: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Continues a stopped move; rows that are copied are not copied again.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type FollowBody = Static<typeof FollowBody>

/** Has both connections, because passwords are not stored. */
export const ContinueBody = Type.Object(
  { source: Conn, destination: Conn, follow: Type.Optional(loose(FollowOptions)) },
  { additionalProperties: false },
)
export type ContinueBody = Static<typeof ContinueBody>

export const FollowStarted = Type.Object({ ok: Type.Literal(true), name: Type.String() })

const name = Type.Optional(Type.String({ description: 'Required if there are several moves.' }))

export const ActionBody = Type.Optional(Type.Object({ name }, { additionalProperties: false }))
export type ActionBody = Static<typeof ActionBody>

/** Refused when there is another conflict by now. */
export const DecisionBody = Type.Optional(
  Type.Object(
    {
      name,
      lsn: Type.Optional(Type.String({ description: 'Position of the conflict: its `lsn` in the view.' })),
    },
    { additionalProperties: false },
  ),
)
export type DecisionBody = Static<typeof DecisionBody>

export const RecopyBody = Type.Optional(
  Type.Object(
    {
      name,
      tables: Type.Optional(
        Type.Array(Type.String(), {
          default: [],
          description: '`schema.table` or `table`, with wildcards; none: all failed tables.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
)
export type RecopyBody = Static<typeof RecopyBody>

export const SwitchoverBody = Type.Optional(
  Type.Object({ name, ...Type.Partial(SwitchoverOptions).properties }, { additionalProperties: false }),
)
export type SwitchoverBody = Static<typeof SwitchoverBody>

/** The action has begun; the view shows its result. */
export const ActionAnswer = Type.Object({ ok: Type.Literal(true), message: Type.String() })

export const CleanupBody = Type.Object(
  {
    name: Type.String(),
    source: Conn,
    destination: Conn,
    writable: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Also removes the read-only setting of a switchover.',
      }),
    ),
    discard_late_writes: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Drops the slot although changes were written to the old primary after the switchover.',
      }),
    ),
    /** This server is lost for good: only the other one is cleaned up, and made writable. Refused while it answers. */
    gone: Type.Optional(oneOf(['source', 'destination'] as const)),
  },
  { additionalProperties: false },
)
export type CleanupBody = Static<typeof CleanupBody>

export const CleanupAnswer = Type.Object({
  ok: Type.Literal(true),
  dropped: Type.Array(Type.String(), { description: 'Each object that was dropped, and on which side.' }),
  remarks: Type.Array(Type.String(), { description: 'What was not changed, and why.' }),
})

export const FollowMessage = Type.Union([
  Type.Object({ type: Type.Literal('follow'), data: FollowView }),
  /** It was cleaned up. */
  Type.Object({ type: Type.Literal('follow_gone'), name: Type.String() }),
])
export type FollowMessage = Static<typeof FollowMessage>
