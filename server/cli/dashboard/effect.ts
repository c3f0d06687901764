// What a key causes: a dialog or a request.

import type { FollowAction } from '../../../shared/follow-action.ts'
import type { Form } from './form.ts'

export type Dialog =
  | { type: 'help' }
  | { type: 'form'; form: Form }
  | Question
  /** Asked in the process that follows. */
  | { type: 'leave' }

export interface Question {
  type: 'confirm'
  title: string
  lines: string[]
  action: FollowAction
  saying: string
}

export type Effect =
  | { type: 'act'; action: FollowAction; saying: string }
  /** Following continues. */
  | { type: 'leave' }
  | { type: 'interrupt' }
