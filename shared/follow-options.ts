// The options of following.
import { type Static, Type } from '@sinclair/typebox'

export const movePattern = '^[a-z0-9_]{1,40}$'

export const FollowOptions = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        pattern: movePattern,
        description:
          'Name of this move (default: made from the names of both databases). Slot and publication are named after it.',
      }),
    ),
    publication: Type.Optional(
      Type.String({ description: 'An existing publication to use instead of creating one.' }),
    ),
    engine: Type.Union([Type.Literal('pgtrek'), Type.Literal('native')], {
      default: 'pgtrek',
      description: '`native`: a subscription of the server copies and applies, where possible.',
    }),
    insertsOnly: Type.Array(Type.String(), {
      default: [],
      description: 'Tables without a usable replica identity whose updates and deletes are not needed.',
    }),
    bidirectional: Type.Boolean({
      default: false,
      description: 'Changes of the destination are also applied to the source.',
    }),
    readyLagBytes: Type.Number({ default: 1024 * 1024, minimum: 0 }),
    readyLagSeconds: Type.Number({ default: 5, minimum: 0 }),
    readyForSeconds: Type.Number({ default: 10, minimum: 0 }),
    refreshSequencesSeconds: Type.Number({
      default: 60,
      minimum: 0,
      description: 'Interval between updates of sequences; 0: only at the switchover.',
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
