// Questions and help, drawn over the middle of the dashboard.
import { readinessNow } from '../../../shared/follow-health.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import { printable } from '../../../shared/printable.ts'
import type { Style } from '../render/style.ts'
import { fit, wrap } from '../render/text.ts'
import type { Dialog } from './effect.ts'
import { type Form, formLines } from './form.ts'
import { box } from './notices.ts'
import type { Place } from './place.ts'

const widest = 76

/** Returns the frame with the dialog in its middle. */
export function withDialog(
  lines: readonly string[],
  dialog: Dialog,
  view: FollowView | undefined,
  place: Place,
  rows: number,
): string[] {
  const width = Math.min(widest, place.width)
  const all = dialogBox(dialog, view, { ...place, width })
  // The last lines of a question show the keys that answer it.
  const shown =
    all.length <= rows ? all : [...all.slice(0, Math.max(0, rows - 3)), ...all.slice(-Math.min(3, rows))]
  const top = Math.max(0, Math.floor((rows - shown.length) / 2))
  const indent = ' '.repeat(Math.floor((place.width - width) / 2))
  return Array.from({ length: rows }, (_, row) => {
    const part = shown[row - top]
    return part === undefined ? (lines[row] ?? '') : indent + part
  })
}

function dialogBox(dialog: Dialog, view: FollowView | undefined, place: Place): string[] {
  const { style, width } = place
  const inner = Math.max(1, width - 4)
  const wrapped = (lines: readonly string[]) => lines.flatMap((text) => wrap(printable(text), inner, ''))
  switch (dialog.type) {
    case 'help':
      return box('Keys', helpLines(inner, style), place, style.accent)
    case 'leave': {
      const text = 'This process applies the changes. Stop following too?'
      const answers = [
        'y  stop: "pgtrek follow" continues from there',
        'n  leave this screen only',
        'Esc  stay here',
      ]
      return box('Leave', [...wrapped([text]), '', ...wrapped(answers)], place, style.caution)
    }
    case 'confirm':
      return box(
        printable(dialog.title),
        [...wrapped(dialog.lines), '', answerLine(inner, style)],
        place,
        style.caution,
      )
    case 'form':
      return box(
        formTitle(dialog.form, view),
        formBody(dialog.form, view, place, inner),
        place,
        style.caution,
      )
  }
}

function formTitle({ options }: Form, view: FollowView | undefined): string {
  if (!view) return 'Switch over'
  return options.back
    ? `Switch back to ${printable(view.source)}`
    : `Switch over to ${printable(view.destination)}`
}

function formBody(form: Form, view: FollowView | undefined, { style, now }: Place, inner: number): string[] {
  const { ellipsis } = style.signs
  const choices = formLines.map((one, index) => {
    const value = form.options[one.key]
    const mark = typeof value === 'number' ? `${value} s` : value ? '[x]' : '[ ]'
    const isAt = index === form.at && !form.isAsking
    const text = fit(`${isAt ? '>' : ' '} ${one.letter} ${mark} ${one.text(form.options)}`, inner, ellipsis)
    return isAt ? style.bold(text) : text
  })
  const readiness = view && readinessNow(view, now)
  const reasons =
    readiness && !readiness.green ? readiness.reasons.map((reason) => printable(`not ready: ${reason}`)) : []
  const warning = reasons.flatMap((reason) => wrap(reason, inner)).map(style.caution)
  const last = form.isAsking
    ? [
        style.bold(fit(form.options.back ? 'Switch back now?' : 'Switch over now?', inner, ellipsis)),
        answerLine(inner, style),
      ]
    : [fit('Space selects, Enter continues, Esc cancels', inner, ellipsis)]
  return [...choices, ...(warning.length > 0 ? ['', ...warning] : []), '', ...last]
}

function answerLine(inner: number, style: Style): string {
  return style.bold(fit('y  yes    n  no', inner, style.signs.ellipsis))
}

const help: [string, string][] = [
  ['p  r', 'pause, resume'],
  ['s', 'switch over, or back (asks first)'],
  ['t', 'at a conflict: retry'],
  ['k', 'at a conflict: skip the transaction (asks first)'],
  ['c', 'copy failed tables, or the one in conflict, again (asks first)'],
  ['a', 'at a conflict: apply the change of the source table (asks first)'],
  ['x', 'stop following (asks first); "pgtrek follow" continues'],
  ['Tab', 'tables, log, details'],
  ['arrows', 'scroll; PageUp, PageDown, Home, End'],
  ['o', 'sort tables by changes or by name'],
  ['q', 'leave'],
]

function helpLines(inner: number, style: Style): string[] {
  return help.map(([keys, text]) => fit(`${keys.padEnd(7)} ${text}`, inner, style.signs.ellipsis))
}
