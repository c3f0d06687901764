// The state of the dashboard besides the view, and what a key changes. Pure: the loop executes the effects.

import { isOver } from '../../../shared/follow-health.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import type { SwitchoverOptions } from '../../../shared/switchover.ts'
import { conflictOf, type Tone } from '../render/follow-words.ts'
import type { Dialog, Effect, Question } from './effect.ts'
import { changeForm } from './form.ts'
import type { Key } from './keys.ts'
import { orders } from './orders.ts'

export const panes = ['tables', 'log', 'facts'] as const
export type Pane = (typeof panes)[number]

export interface Message {
  text: string
  tone: Tone
}

export interface State {
  pane: Pane
  /** How far each pane is scrolled; the log counts from its end. */
  scroll: Record<Pane, number>
  /** The order of the tables. */
  order: 'changes' | 'name'
  dialog?: Dialog | undefined
  message?: Message | undefined
}

export interface Surroundings {
  view: FollowView | undefined
  /** This process runs the move. */
  own: boolean
  /** Lines of a pane, for Page Up and Page Down. */
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
  const order = orders.find((one) => one.key === key)
  if (!order) return { state }
  const refusal = !view ? 'no status yet' : order.refusal(view)
  if (refusal !== undefined || !view) return { state: withMessage(state, refusal ?? '') }
  const result = order.does(view)
  if ('effect' in result) return { state, effect: result.effect }
  return open(state, result)
}

/** Closes a question that no longer applies to the state of the move. */
export function withoutOutdated(state: State, view: FollowView): State {
  const { dialog } = state
  const isOutdated =
    (dialog?.type === 'confirm' && isOutdatedQuestion(dialog, view)) ||
    (dialog?.type === 'form' &&
      (isOver(view) ||
        view.switchover?.state === 'running' ||
        dialog.form.options.back !== (view.direction === 'back')))
  return isOutdated
    ? withMessage({ ...state, dialog: undefined }, 'the state has changed: check it and try again')
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
  const saying = options.back ? 'requesting return' : 'requesting switchover'
  return { type: 'act', action: { type: 'switchover', options }, saying }
}

function open(state: State, dialog: Dialog): Pressed {
  return { state: { ...state, dialog, message: undefined } }
}

export function withMessage(state: State, text: string, tone: Tone = 'caution'): State {
  return { ...state, message: { text, tone } }
}

function move(state: State, key: Key, page: number): State | undefined {
  if (key === 'tab' || key === 'back-tab') {
    const step = key === 'tab' ? 1 : panes.length - 1
    const pane = panes[(panes.indexOf(state.pane) + step) % panes.length] ?? 'tables'
    return { ...state, pane }
  }
  const by = steps(page)[key]
  if (by === undefined) return undefined
  // The log counts from its end, so scrolling down decreases the offset.
  const offset = state.scroll[state.pane] + (state.pane === 'log' ? -by : by)
  return { ...state, scroll: { ...state.scroll, [state.pane]: Math.max(0, offset) } }
}

function steps(page: number): Record<string, number> {
  const far = 1e9
  return { up: -1, down: 1, 'page-up': -page, 'page-down': page, home: -far, end: far }
}
