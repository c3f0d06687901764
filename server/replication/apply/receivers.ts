// Who looks at the changes of a stream: the receiver of all that is committed, and one that brings in a large
// transaction ahead of its commit.
import type { Connected } from './connect.ts'
import { Receiver, type ReceiverOptions } from './receiver.ts'
import { StreamedApply } from './streamed-apply.ts'

export type ReceiverWishes = Omit<
  ReceiverOptions,
  'applier' | 'tables' | 'binary' | 'isBinarySafe' | 'followed' | 'computed' | 'early'
>

export function receiversFor(
  connected: Connected,
  wishes: ReceiverWishes,
  silenceMs: number,
): { receiver: Receiver; early: StreamedApply | undefined } {
  const { applier, tables, binary, isBinarySafe, followed, computed, openHelper } = connected
  const options: ReceiverOptions = {
    ...{ applier, tables, binary, isBinarySafe, followed, computed },
    ...wishes,
  }
  const early =
    openHelper &&
    new StreamedApply({
      main: applier,
      open: openHelper,
      silenceMs,
      receiver: (helper) => new Receiver(quietly({ ...options, applier: helper })),
    })
  return { receiver: new Receiver({ ...options, early }), early }
}

/** What somebody has to be told of waits for the commit. */
function quietly(options: ReceiverOptions): ReceiverOptions {
  return {
    ...options,
    skipped: new Set(),
    stopAt: () => undefined,
    known: new Map(options.known),
    onSkipped: leave,
    onSchemaChange: leave,
    onMessage: leave,
  }
}

function leave(): never {
  throw new Error('this can only be told when the transaction is committed')
}
