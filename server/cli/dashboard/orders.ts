// The requests that keys make: when each is possible, and which question is asked first.

import type { FollowAction } from '../../../shared/follow-action.ts'
import { isOver, isWatchOnly } from '../../../shared/follow-health.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import { formatCount, shortList } from '../../../shared/format.ts'
import { showName, type TableName } from '../../../shared/table-name.ts'
import { quoteQualified } from '../../postgres/quote.ts'
import { canSwitch, choicesOf, conflictOf, isBeforeRows } from '../render/follow-words.ts'
import type { Dialog, Effect } from './effect.ts'
import { newForm } from './form.ts'

export interface Order {
  key: string
  /** Why the request is not possible now. */
  refusal: (view: FollowView) => string | undefined
  does: (view: FollowView) => Dialog | { effect: Effect }
}

export const orders: Order[] = [
  {
    key: 'p',
    refusal: (view) => atWork(view) ?? (view.state === 'paused' ? 'it is already paused' : undefined),
    does: () => act({ type: 'pause' }, 'requesting pause'),
  },
  {
    key: 'r',
    refusal: (view) => atWork(view) ?? (view.state === 'paused' ? undefined : 'it is not paused'),
    does: () => act({ type: 'resume' }, 'requesting resume'),
  },
  {
    key: 's',
    refusal: (view) =>
      atWork(view) ??
      (view.switchover?.state === 'running' ? 'a switchover is already running' : undefined) ??
      (isBeforeRows(view) ? 'rows are still being copied' : undefined) ??
      (canSwitch(view) ? undefined : 'it is switched over, and no changes flow back'),
    does: (view) => ({ type: 'form', form: newForm(view) }),
  },
  {
    key: 'x',
    refusal: atWork,
    does: (view) => ({
      type: 'confirm',
      title: isWatchOnly(view) ? 'End the watch?' : 'Stop following?',
      lines: [
        isWatchOnly(view)
          ? 'The old primary is checked a last time, then the process ends.'
          : `${view.name} stops; applied transactions stay. The slot stays, and the source keeps its log for it, until "pgtrek follow" continues or "pgtrek cleanup" drops it.`,
      ],
      action: { type: 'stop' },
      saying: 'requesting stop',
    }),
  },
  {
    key: 't',
    refusal: (view) => choice(view, 'retry'),
    does: () => act({ type: 'retry' }, 'requesting retry'),
  },
  {
    key: 'k',
    refusal: (view) => choice(view, 'skip'),
    does: (view) => ({
      type: 'confirm',
      title: 'Skip this transaction?',
      lines: [
        ...conflictSummary(view),
        'None of its changes will be on the destination, and later changes may depend on them. Both sides will differ.',
      ],
      action: { type: 'skip', ...conflictPlace(view) },
      saying: 'requesting skip of the transaction',
    }),
  },
  {
    key: 'c',
    refusal: (view) =>
      atWork(view) ??
      (view.recopy?.state === 'running' ? 'tables are already being copied again' : undefined) ??
      (tablesToCopy(view).length > 0 ? undefined : 'no table has failed, and none is in conflict'),
    does: (view) => {
      const tables = tablesToCopy(view)
      return {
        type: 'confirm',
        title: `Copy ${formatCount(tables.length, 'table')} again?`,
        lines: [
          shortList(tables.map(showName)),
          'Their rows on the destination are deleted, then they are copied again and followed from there. Other tables continue meanwhile.',
        ],
        action: { type: 'recopy', tables: tables.map(({ schema, name }) => quoteQualified(schema, name)) },
        saying: 'requesting copy of the tables',
      }
    },
  },
  {
    key: 'a',
    refusal: (view) => choice(view, 'apply_schema'),
    does: (view) => ({
      type: 'confirm',
      title: 'Change the table of the destination?',
      lines: [...conflictSummary(view), 'The columns of the source table are added.'],
      action: { type: 'apply_schema', ...conflictPlace(view) },
      saying: 'requesting change of the table',
    }),
  },
]

function act(action: FollowAction, saying: string): { effect: Effect } {
  return { effect: { type: 'act', action, saying } }
}

function atWork(view: FollowView): string | undefined {
  return isOver(view) ? `no process follows it (${view.state}): "pgtrek follow" starts one` : undefined
}

function choice(view: FollowView, action: 'retry' | 'skip' | 'apply_schema'): string | undefined {
  const conflict = conflictOf(view)
  if (!conflict) return 'there is no conflict'
  const offered = choicesOf(conflict).some((one) => one.action === action)
  return atWork(view) ?? (offered ? undefined : 'this does not resolve the conflict')
}

/** All failed tables, and the table in conflict. */
function tablesToCopy(view: FollowView): TableName[] {
  const table = conflictOf(view)?.table
  return [...view.failed_tables, ...(table ? [table] : [])]
}

function conflictSummary(view: FollowView): string[] {
  const conflict = conflictOf(view)
  return conflict ? [conflict.message] : []
}

function conflictPlace(view: FollowView): { lsn?: string } {
  const conflict = conflictOf(view)
  return conflict ? { lsn: conflict.lsn } : {}
}
