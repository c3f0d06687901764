// What the dashboard shows beside the view itself, and what a key does. Pure: the loop does what comes of it.
import { isOver } from '../../../shared/follow-health.ts'
import type { FollowAction, FollowView, SwitchoverOptions } from '../../../shared/follow-view.ts'
import { canSwitch, choicesOf, conflictOf, isBeforeRows, type Tone } from '../follow-words.ts'
import { changeForm, type Form, newForm } from './form.ts'
import type { Key } from './keys.ts'

export const panes = ['tables', 'log', 'facts'] as const
export type Pane = (typeof panes)[number]

export type Dialog =
  | { type: 'help' }
  | { type: 'form'; form: Form }
  | Question
  /** Of one that follows in this very process. */
  | { type: 'leave' }

export interface Question {
  type: 'confirm'
  title: string
  lines: string[]
  action: FollowAction
  saying: string
}

export interface Told {
  text: string
  tone: Tone
}

export interface State {
  pane: Pane
  /** How far each pane is scrolled; the log counts from its end. */
  scroll: Record<Pane, number>
  /** Of the tables. */
  order: 'changes' | 'name'
  dialog?: Dialog | undefined
  told?: Told | undefined
}

export type Effect =
  | { type: 'act'; action: FollowAction; saying: string }
  /** The following goes on. */
  | { type: 'leave' }
  | { type: 'interrupt' }

export interface Surroundings {
  view: FollowView | undefined
  /** The following belongs to this process. */
  own: boolean
  /** Lines of a pane, for a page up or down. */
  page: number
}

export interface Pressed {
  state: State
  effect?: Effect
}

export function newState(): State {
  return { pane: 'tables', scroll: { tables: 0, log: 0, facts: 0 }, order: 'changes' }
}

export function press(state: State, key: Key, around: Surroundings): Pressed {
  if (key === 'interrupt') return { state, effect: { type: 'interrupt' } }
  return state.dialog ? inDialog(state, state.dialog, key) : outside(state, key, around)
}

function outside(state: State, key: Key, around: Surroundings): Pressed {
  const moved = move(state, key, around.page)
  if (moved) return { state: moved }
  const { view } = around
  switch (key) {
    case '?':
    case 'h':
      return open(state, { type: 'help' })
    case 'q':
      return around.own ? open(state, { type: 'leave' }) : { state, effect: { type: 'leave' } }
    case 'o':
      return { state: { ...state, order: state.order === 'name' ? 'changes' : 'name' } }
  }
  const asks = asking.find((one) => one.key === key)
  if (!asks) return { state }
  const refusal = !view ? 'there is nothing to see yet' : asks.refusal(view)
  if (refusal !== undefined || !view) return { state: told(state, refusal ?? '') }
  const result = asks.does(view)
  if ('effect' in result) return { state, effect: result.effect }
  return open(state, result)
}

interface Asking {
  key: string
  /** Why it cannot be asked for now. */
  refusal: (view: FollowView) => string | undefined
  does: (view: FollowView) => Dialog | { effect: Effect }
}

const asking: Asking[] = [
  {
    key: 'p',
    refusal: (view) => atWork(view) ?? (view.state === 'paused' ? 'it is paused already' : undefined),
    does: () => act({ type: 'pause' }, 'asking it to pause'),
  },
  {
    key: 'r',
    refusal: (view) => atWork(view) ?? (view.state === 'paused' ? undefined : 'it is not paused'),
    does: () => act({ type: 'resume' }, 'asking it to go on'),
  },
  {
    key: 's',
    refusal: (view) =>
      atWork(view) ??
      (view.switchover?.state === 'running' ? 'a switchover is under way already' : undefined) ??
      (isBeforeRows(view) ? 'rows are still being copied' : undefined) ??
      (canSwitch(view) ? undefined : 'it is switched over, and no changes flow back'),
    does: (view) => ({ type: 'form', form: newForm(view) }),
  },
  {
    key: 'x',
    refusal: atWork,
    does: (view) => ({
      type: 'confirm',
      title: 'Stop following?',
      lines: [
        `${view.name} ends with what is whole. The slot stays, and the source keeps its log for it, until "pgtrek follow" goes on or "pgtrek cleanup" drops it.`,
      ],
      action: { type: 'stop' },
      saying: 'asking it to stop',
    }),
  },
  {
    key: 't',
    refusal: (view) => choice(view, 'retry'),
    does: () => act({ type: 'retry' }, 'asking it to try again'),
  },
  {
    key: 'k',
    refusal: (view) => choice(view, 'skip'),
    does: (view) => ({
      type: 'confirm',
      title: 'Leave this transaction out?',
      lines: [
        ...conflictSummary(view),
        'None of its changes will be on the destination, and what follows may depend on them. Both sides will differ.',
      ],
      action: { type: 'skip', ...conflictPlace(view) },
      saying: 'asking it to skip the transaction',
    }),
  },
  {
    key: 'a',
    refusal: (view) => choice(view, 'apply_schema'),
    does: (view) => ({
      type: 'confirm',
      title: "Change the destination's table?",
      lines: [...conflictSummary(view), "It gets the columns that the source's table has."],
      action: { type: 'apply_schema', ...conflictPlace(view) },
      saying: 'asking it to change the table',
    }),
  },
]

function act(action: FollowAction, saying: string): { effect: Effect } {
  return { effect: { type: 'act', action, saying } }
}

function atWork(view: FollowView): string | undefined {
  return isOver(view) ? `no process is at work on it (${view.state}): "pgtrek follow" starts one` : undefined
}

function choice(view: FollowView, action: 'retry' | 'skip' | 'apply_schema'): string | undefined {
  const conflict = conflictOf(view)
  if (!conflict) return 'there is no conflict'
  const offered = choicesOf(conflict).some((one) => one.action === action)
  return atWork(view) ?? (offered ? undefined : 'that would not help with this conflict')
}

function conflictSummary(view: FollowView): string[] {
  const conflict = conflictOf(view)
  return conflict ? [conflict.message] : []
}

function conflictPlace(view: FollowView): { lsn?: string } {
  const conflict = conflictOf(view)
  return conflict ? { lsn: conflict.lsn } : {}
}

/** A question that was asked of another state of things is not answered any more. */
export function withoutOutdated(state: State, view: FollowView): State {
  const { dialog } = state
  const isOutdated =
    (dialog?.type === 'confirm' && isOutdatedQuestion(dialog, view)) ||
    (dialog?.type === 'form' &&
      (isOver(view) ||
        view.switchover?.state === 'running' ||
        dialog.form.options.back !== (view.direction === 'back')))
  return isOutdated
    ? told({ ...state, dialog: undefined }, 'things have changed meanwhile: look again')
    : state
}

function isOutdatedQuestion({ action }: Question, view: FollowView): boolean {
  if (isOver(view)) return true
  return 'lsn' in action && action.lsn !== conflictOf(view)?.lsn
}

function inDialog(state: State, dialog: Dialog, key: Key): Pressed {
  const closed: State = { ...state, dialog: undefined }
  if (key === 'escape') return { state: closed }
  switch (dialog.type) {
    case 'help':
      return { state: closed }
    case 'leave':
      if (key === 'y') {
        return { state: closed, effect: { type: 'act', action: { type: 'stop' }, saying: 'stopping' } }
      }
      return key === 'n' ? { state: closed, effect: { type: 'leave' } } : { state }
    case 'confirm': {
      if (key === 'n') return { state: closed }
      if (key !== 'y') return { state }
      return { state: closed, effect: { type: 'act', action: dialog.action, saying: dialog.saying } }
    }
    case 'form': {
      const form = changeForm(dialog.form, key)
      if (form === 'left') return { state: closed }
      if (form === 'agreed') {
        return { state: closed, effect: switchover(dialog.form.options) }
      }
      return { state: { ...state, dialog: { type: 'form', form } } }
    }
  }
}

function switchover(options: SwitchoverOptions): Effect {
  const saying = options.back ? 'asking it to switch back' : 'asking it to switch over'
  return { type: 'act', action: { type: 'switchover', options }, saying }
}

function open(state: State, dialog: Dialog): Pressed {
  return { state: { ...state, dialog, told: undefined } }
}

export function told(state: State, text: string, tone: Tone = 'caution'): State {
  return { ...state, told: { text, tone } }
}

function move(state: State, key: Key, page: number): State | undefined {
  if (key === 'tab' || key === 'back-tab') {
    const step = key === 'tab' ? 1 : panes.length - 1
    const pane = panes[(panes.indexOf(state.pane) + step) % panes.length] ?? 'tables'
    return { ...state, pane }
  }
  const by = steps(page)[key]
  if (by === undefined) return undefined
  // Downwards is towards the newest line of the log, from which it counts.
  const offset = state.scroll[state.pane] + (state.pane === 'log' ? -by : by)
  return { ...state, scroll: { ...state.scroll, [state.pane]: Math.max(0, offset) } }
}

function steps(page: number): Record<string, number> {
  const far = 1e9
  return { up: -1, down: 1, 'page-up': -page, 'page-down': page, home: -far, end: far }
}
