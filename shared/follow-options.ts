// What a user can say about following, beside what is moved and how.
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

export const FollowOptions = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9_]{1,40}$',
        description:
          'Of this move; made from both databases unless told. Slot and publication are named after it.',
      }),
    ),
    publication: Type.Optional(Type.String({ description: 'One that is there, instead of one of our own.' })),
    engine: Type.Union([Type.Literal('pgtrek'), Type.Literal('native')], {
      default: 'pgtrek',
      description: "`native`: the server's own subscription copies and applies, where it can.",
    }),
    insertsOnly: Type.Array(Type.String(), {
      default: [],
      description: 'Tables without a usable replica identity, whose updates and deletes nobody needs.',
    }),
    bidirectional: Type.Boolean({
      default: false,
      description: 'Changes of the destination flow back at the same time.',
    }),
    readyLagBytes: Type.Number({ default: 1024 * 1024, minimum: 0 }),
    readyLagSeconds: Type.Number({ default: 5, minimum: 0 }),
    readyForSeconds: Type.Number({ default: 10, minimum: 0 }),
    refreshSequencesSeconds: Type.Number({
      default: 60,
      minimum: 0,
      description: 'How often sequences are brought up to date; 0 leaves it to the switchover.',
    }),
    verifyWhileFollowing: Type.Boolean({
      default: true,
      description:
        'Compares both sides by checksum while changes flow, so that a switchover has little to compare.',
    }),
  },
  { additionalProperties: false },
)
export type FollowOptions = Static<typeof FollowOptions>

export const defaultFollowOptions: FollowOptions = Value.Create(FollowOptions)
