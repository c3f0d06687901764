// The receivers of a stream's changes: one for committed transactions, and one that applies a large transaction
// before its commit.
import type { Applier } from './applier.ts'
import type { Connected } from './connect.ts'
import { Receiver, type ReceiverOptions } from './receiver.ts'
import { Relations, type RelationsOptions } from './relations.ts'
import { RowChanges, type RowChangesOptions } from './row-changes.ts'
import { StreamedApply, type StreamedApplyOptions } from './streamed-apply.ts'
import { StreamedChanges } from './streamed-changes.ts'

export type ReceiverWishes = Omit<ReceiverOptions, 'applier' | 'relations' | 'changes' | 'streamed'> &
  Pick<RelationsOptions, 'lookedFor' | 'known' | 'onUnwanted'> &
  Pick<RowChangesOptions, 'trusted'> &
  Pick<StreamedApplyOptions, 'silenceMs' | 'onApplied' | 'onGivenUp'>

export function receiversFor(
  connected: Connected,
  wishes: ReceiverWishes,
): { receiver: Receiver; streamed: StreamedApply | undefined } {
  const { applier, tables, binary, isBinarySafe, followed, computed, openHelper } = connected
  const { lookedFor, known, trusted, origin, onUnwanted, silenceMs, onApplied, onGivenUp } = wishes
  const side = (applier: Applier, known: RelationsOptions['known']) => {
    const relations = new Relations({
      ...{ applier, tables, followed, lookedFor, exact: origin === 'none', binary, isBinarySafe },
      ...{ computed, known, onUnwanted },
    })
    return { relations, changes: new RowChanges({ applier, relations, trusted }) }
  }
  const streamed =
    openHelper &&
    new StreamedApply({
      ...{ main: applier, open: openHelper, silenceMs, onApplied, onGivenUp },
      changes: (helper, xid) => {
        const { relations, changes } = side(helper, new Map(known))
        return new StreamedChanges(helper, relations, changes, xid)
      },
    })
  const { relations, changes } = side(applier, known)
  return { receiver: new Receiver({ ...wishes, applier, relations, changes, streamed }), streamed }
}
