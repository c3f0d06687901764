// The output of `pgtrek preflight` as text.
import { formatCount, formatRows } from '../../../shared/format.ts'
import type { PreflightItem, PreflightReport } from '../../../shared/preflight.ts'
import { printable } from '../../../shared/printable.ts'
import type { Style } from './style.ts'
import { printableLines } from './text.ts'

const shownObjects = 10

export function itemLines(item: PreflightItem, style: Style): string[] {
  const { title, found, status, why, todo, objects, total, sql } = item
  const head = `${word(status, style)} ${style.bold(title)}: ${printable(found)}`
  if (status === 'ok') return [head, ...(todo ? [`        ${printable(todo)}`] : [])]
  const shown = objects.slice(0, shownObjects)
  const statements = sql.slice(0, shownObjects)
  return [
    head,
    ...shown.map((name) => `          ${printable(name)}`),
    ...(total > shown.length ? [`          and ${formatRows(total - shown.length)} more`] : []),
    `        ${style.dim(printable(why))}`,
    ...(todo ? [`        ${printable(todo)}`] : []),
    ...statements.flatMap((statement) =>
      printableLines(`${statement};`).map((line) => `          ${style.accent(line)}`),
    ),
    ...(sql.length > statements.length
      ? [
          `          -- and ${formatCount(sql.length - statements.length, 'more statement')} (--json has them)`,
        ]
      : []),
  ]
}

export function preflightVerdict({ items, status }: PreflightReport, style: Style): string {
  const count = (one: string) => items.filter((item) => item.status === one).length
  const counted = `${formatCount(items.length, 'check')}: ${count('ok')} passed, ${formatCount(count('warning'), 'warning')}, ${formatCount(count('blocker'), 'blocker')}`
  if (status === 'blocker') return `${style.bad('Not ready.')} ${counted}.`
  if (status === 'warning') return `${style.caution('Ready, with warnings.')} ${counted}.`
  return `${style.good('Ready.')} ${counted}.`
}

function word(status: PreflightItem['status'], style: Style): string {
  if (status === 'blocker') return style.bad('BLOCKER')
  return status === 'warning' ? style.caution('WARNING') : style.good('ok     ')
}
