// The form before a switchover: its options, then the confirmation.
import { Value } from '@sinclair/typebox/value'
import type { FollowView } from '../../../shared/follow-view.ts'
import { SwitchoverOptions } from '../../../shared/switchover.ts'
import type { Key } from './keys.ts'

export interface Form {
  options: SwitchoverOptions
  /** The selected line. */
  at: number
  /** The options are chosen; the form asks for yes or no. */
  isAsking: boolean
}

type Box =
  | 'read_only_source'
  | 'keep_reverse'
  | 'verify'
  | 'refresh_materialized_views'
  | 'accept_differences'

export interface FormLine {
  key: Box | 'timeout_seconds'
  letter: string
  text: (options: SwitchoverOptions) => string
}

export const formLines: FormLine[] = [
  {
    key: 'read_only_source',
    letter: '1',
    text: ({ back }) => `make the ${back ? 'destination' : 'source'} read-only and end its other sessions`,
  },
  {
    key: 'keep_reverse',
    letter: '2',
    text: () => 'keep changes flowing back, so that a return loses nothing',
  },
  { key: 'verify', letter: '3', text: () => 'compare checksums of all rows instead of counts' },
  {
    key: 'refresh_materialized_views',
    letter: '4',
    text: () => 'refresh materialized views after the handover',
  },
  {
    key: 'accept_differences',
    letter: '5',
    text: () => 'accept known differences; the report names them',
  },
  { key: 'timeout_seconds', letter: '6', text: () => 'timeout for the sentinel (left, right)' },
]

const timeouts = [5, 10, 30, 60, 120, 300, 600]

/** The next switchover goes against the direction in which changes are applied. */
export function newForm({ direction }: FollowView): Form {
  return {
    options: { ...Value.Create(SwitchoverOptions), back: direction === 'back' },
    at: 0,
    isAsking: false,
  }
}

export function changeForm(form: Form, key: Key): Form | 'left' | 'agreed' {
  if (form.isAsking) {
    if (key === 'y') return 'agreed'
    return key === 'n' ? 'left' : form
  }
  const line = formLines[form.at]
  const direct = formLines.findIndex(({ letter }) => letter === key)
  if (direct >= 0) return toggle({ ...form, at: direct }, 1)
  switch (key) {
    case 'up':
      return { ...form, at: Math.max(0, form.at - 1) }
    case 'down':
    case 'tab':
      return { ...form, at: Math.min(formLines.length - 1, form.at + 1) }
    case ' ':
      return toggle(form, 1)
    case 'left':
      return line?.key === 'timeout_seconds' ? toggle(form, -1) : form
    case 'right':
      return line?.key === 'timeout_seconds' ? toggle(form, 1) : form
    case 'enter':
      return { ...form, isAsking: true }
    default:
      return form
  }
}

function toggle(form: Form, step: 1 | -1): Form {
  const line = formLines[form.at]
  if (!line) return form
  const { options } = form
  if (line.key !== 'timeout_seconds') {
    return { ...form, options: { ...options, [line.key]: !options[line.key] } }
  }
  const at = timeouts.indexOf(options.timeout_seconds) + step
  return {
    ...form,
    options: {
      ...options,
      timeout_seconds: timeouts[Math.min(timeouts.length - 1, Math.max(0, at))] ?? 30,
    },
  }
}
