// The lower part of the dashboard: tables, log or details, each scrollable.
import type { FollowView } from '../../../shared/follow-view.ts'
import { formatPercent, formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import { showName } from '../../../shared/table-name.ts'
import { bar } from '../render/bars.ts'
import { clock } from '../render/clock.ts'
import { columnLines } from '../render/columns.ts'
import { changedTables, changesOf, isCopying } from '../render/follow-words.ts'
import { detailLines } from '../render/status.ts'
import { pad, widthOf, wrap } from '../render/text.ts'
import { line, type Piece } from './line.ts'
import type { Place } from './place.ts'
import { type Pane, panes, type State } from './state.ts'

export interface PaneContent {
  /** Stays at the top while the rest scrolls. */
  heading: string[]
  lines: string[]
}

const names: Record<Pane, string> = { tables: 'tables', log: 'log', facts: 'details' }

export function paneContent(view: FollowView, state: State, place: Place): PaneContent {
  switch (state.pane) {
    case 'tables':
      return tableContent(view, state.order, place)
    case 'log':
      return { heading: [], lines: logLines(view, place, true) }
    case 'facts':
      return { heading: [], lines: detailLines(view, place.now, place.width, place.style) }
  }
}

/** The names of all panes, and which part of the open one is shown. */
export function paneTitle(open: Pane, position: string, { width, style }: Place): string {
  const { line: dash, ellipsis } = style.signs
  const tabs = panes.flatMap((pane): Piece[] => [
    [dash.repeat(2), style.dim],
    [` ${names[pane]} `, pane === open ? (text) => style.bold(style.accent(text)) : style.dim],
  ])
  const used = panes.reduce((sum, pane) => sum + names[pane].length + 4, 0)
  const right = position === '' ? '' : ` ${position} `
  const rest = width - used - right.length - 2
  const tail: Piece[] = rest < 0 ? [] : [[dash.repeat(rest), style.dim], right, [dash.repeat(2), style.dim]]
  return line([...tabs, ...tail], width, ellipsis)
}

export function simpleTitle(title: string, { width, style }: Place): string {
  const { line: dash, ellipsis } = style.signs
  const rest = dash.repeat(Math.max(0, width - title.length - 4))
  return line([[`${dash.repeat(2)} ${title} ${rest}`, style.dim]], width, ellipsis)
}

/** The newest line is the last. */
export function logLines({ log }: FollowView, { width, style }: Place, whole: boolean): string[] {
  return log.flatMap(({ at, level, message }) => {
    const paint = level === 'error' ? style.bad : level === 'warn' ? style.caution : (text: string) => text
    const time = clock(at)
    const text = printable(message)
    if (!whole || width < 20)
      return [line([[time, style.dim], ' ', [text, paint]], width, style.signs.ellipsis)]
    const [first = '', ...others] = wrap(text, width - time.length - 1, '')
    return [
      `${style.dim(time)} ${paint(first)}`,
      ...others.map((other) => `${' '.repeat(time.length)} ${paint(other)}`),
    ]
  })
}

function tableContent(view: FollowView, order: State['order'], place: Place): PaneContent {
  if (isCopying(view)) return { heading: [], lines: copyLines(view, place) }
  const { width, style } = place
  const tables = changedTables(view).toSorted((one, other) => {
    const byName = showName(one) < showName(other) ? -1 : 1
    return order === 'name' ? byName : changesOf(other) - changesOf(one) || byName
  })
  if (tables.length === 0) {
    return { heading: [], lines: [line([['no changes so far', style.dim]], width, style.signs.ellipsis)] }
  }
  const truncated = tables.some(({ truncates }) => truncates > 0)
  const titles = ['Table', 'Inserts', 'Updates', 'Deletes', ...(truncated ? ['Truncates'] : [])]
  const rows = tables.map((table) => [
    (table.arrow === 'back' ? `${style.signs.back} ` : '') + printable(showName(table)),
    formatRows(table.inserts),
    formatRows(table.updates),
    formatRows(table.deletes),
    ...(truncated ? [formatRows(table.truncates)] : []),
  ])
  const [heading = '', ...lines] = columnLines(titles, rows, width, style)
  return { heading: [heading], lines }
}

function copyLines({ copy }: FollowView, { width, style }: Place): string[] {
  if (!copy) return []
  const { ellipsis } = style.signs
  const tables = copy.running.map((table) => ({ ...table, shown: printable(showName(table)) }))
  const nameWidth = Math.min(
    Math.max(8, Math.floor(width * 0.45)),
    Math.max(0, ...tables.map(({ shown }) => widthOf(shown))),
  )
  const tails = tables.map(({ percent, rows }) => {
    const amount = width < 60 ? '' : `  ${pad(`${formatRows(rows)} rows`, 18, 'right')}`
    return pad(percent > 0 ? formatPercent(percent) : '', 4, 'right') + amount
  })
  const running = tables.map(({ shown, percent }, index) => {
    const tail = tails[index] ?? ''
    const room = Math.min(40, width - nameWidth - 2 - widthOf(tail))
    if (room < 4) return line([`${shown} ${tail}`], width, ellipsis)
    return `${pad(shown, nameWidth)} ${bar(percent, room, style)} ${tail}`
  })
  const failed = copy.failed.map((table) =>
    line([['failed ', style.bad], printable(`${showName(table)}: ${table.error}`)], width, ellipsis),
  )
  return [...failed, ...running]
}
