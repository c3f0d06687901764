// What a key leads to: a dialog, or something to be done.

import type { FollowAction } from '../../../shared/follow-view.ts'
import type { Form } from './form.ts'

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

export type Effect =
  | { type: 'act'; action: FollowAction; saying: string }
  /** The following goes on. */
  | { type: 'leave' }
  | { type: 'interrupt' }
