// One frame of the dashboard. If the terminal is small, the most important parts are shown.

import { isOver, isWatchOnly } from '../../../shared/follow-health.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import { formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import { canSwitch, choicesOf, conflictOf, isBeforeRows, isCopying } from '../render/follow-words.ts'
import type { Style } from '../render/style.ts'
import { withDialog } from './dialog.ts'
import { copyBar, copyLine, streamLines } from './flow.ts'
import { endsLine, readinessLine, stagesLine, titleLine } from './head.ts'
import { line, type Piece } from './line.ts'
import { concernRows, conflictBox, switchoverLine } from './notices.ts'
import { logLines, type PaneContent, paneContent, paneTitle, simpleTitle } from './panes.ts'
import { type Place, paintOf } from './place.ts'
import type { State } from './state.ts'

export interface FrameSize {
  columns: number
  rows: number
}

export interface Frame {
  lines: string[]
  /** Lines of the open pane that fit at once, and how far it can be scrolled. */
  page: number
  most: number
}

interface Block {
  /** Without enough room, the parts with the least weight are omitted first. */
  weight: number
  lines: string[]
}

const leastForPane = 4
/** With at least this many rows, the newest log lines are shown below the tables. */
const roomForLog = 10

export function frame(
  view: FollowView | undefined,
  state: State,
  size: FrameSize,
  now: number,
  style: Style,
): Frame {
  // The last column stays empty: some terminals wrap as soon as it is written.
  const place: Place = { width: Math.max(1, size.columns - 1), style, now }
  const drawn = view ? wholeFrame(view, state, size.rows, place) : emptyFrame(size.rows, place)
  const { dialog } = state
  return dialog ? { ...drawn, lines: withDialog(drawn.lines, dialog, view, place, size.rows) } : drawn
}

function emptyFrame(rows: number, { width, style }: Place): Frame {
  const lines = Array.from({ length: rows }, () => '')
  lines[0] = line([['no status yet', style.dim]], width, style.signs.ellipsis)
  if (rows > 1) lines[rows - 1] = line([['q', style.bold], ' leave'], width, style.signs.ellipsis)
  return { lines, page: 1, most: 0 }
}

function wholeFrame(view: FollowView, state: State, rows: number, place: Place): Frame {
  const footer = rows > 1 ? [footerLine(view, state, place)] : []
  const top = fitting(blocks(view, rows, place), Math.max(1, rows - footer.length - leastForPane))
  const room = Math.max(0, rows - footer.length - top.length)
  const forLog = room >= roomForLog && state.pane === 'tables' ? Math.max(4, Math.floor(room / 3)) : 0
  const pane = paneLines(paneContent(view, state, place), state, room - forLog, place)
  const log = forLog > 0 ? [simpleTitle('log', place), ...logLines(view, place, false).slice(1 - forLog)] : []
  const body = [...top, ...pane.lines, ...log].slice(0, rows - footer.length)
  while (body.length < rows - footer.length) body.push('')
  return { lines: [...body, ...footer], page: pane.page, most: pane.most }
}

function blocks(view: FollowView, rows: number, place: Place): Block[] {
  const conflict = conflictOf(view)
  const switching = switchoverLine(view, place)
  const flow: Block[] = isCopying(view)
    ? [
        { weight: 95, lines: [copyBar(view, place)] },
        { weight: 55, lines: [copyLine(view, place)] },
      ]
    : []
  for (const stream of view.streams) {
    const { lag, rate, slot } = streamLines(view, stream, place)
    flow.push({ weight: 95, lines: [lag] }, { weight: 50, lines: [rate] })
    if (slot !== '') flow.push({ weight: 45, lines: [slot] })
  }
  return [
    { weight: 100, lines: [titleLine(view, place)] },
    { weight: 40, lines: [endsLine(view, place)] },
    { weight: 60, lines: [stagesLine(view, place)] },
    { weight: 90, lines: [readinessLine(view, place)] },
    { weight: 1, lines: [''] },
    ...flow,
    { weight: 97, lines: switching === undefined ? [] : [switching] },
    ...concernRows(view, place).map((one, index): Block => ({ weight: 75 - index, lines: [one] })),
    { weight: 98, lines: conflict ? conflictBox(conflict, Math.floor(rows / 2), place) : [] },
    { weight: 1, lines: [''] },
  ]
}

function fitting(all: Block[], room: number): string[] {
  const kept = all.slice()
  const height = () => kept.reduce((sum, { lines }) => sum + lines.length, 0)
  while (height() > room && kept.length > 1) {
    const least = Math.min(...kept.map(({ weight }) => weight))
    kept.splice(
      kept.findLastIndex(({ weight }) => weight === least),
      1,
    )
  }
  return kept.flatMap(({ lines }) => lines).slice(0, room)
}

function paneLines(content: PaneContent, state: State, rows: number, place: Place): Frame {
  const page = Math.max(0, rows - 1 - content.heading.length)
  const total = content.lines.length
  const most = Math.max(0, total - page)
  const offset = Math.min(most, state.scroll[state.pane])
  const from = state.pane === 'log' ? most - offset : offset
  const shown = content.lines.slice(from, from + page)
  const position =
    most === 0 ? '' : `${formatRows(from + 1)}-${formatRows(from + shown.length)} of ${formatRows(total)}`
  const lines = [paneTitle(state.pane, position, place), ...content.heading, ...shown].slice(0, rows)
  while (lines.length < rows) lines.push('')
  return { lines, page: Math.max(1, page), most }
}

function footerLine(view: FollowView, { message }: State, { width, style }: Place): string {
  const { ellipsis } = style.signs
  if (message) return line([[printable(message.text), paintOf(style, message.tone)]], width, ellipsis)
  const pieces = keysOf(view).flatMap(([key, word], index): Piece[] => [
    index === 0 ? '' : '   ',
    [key, style.bold],
    [` ${word}`, style.dim],
  ])
  return line(pieces, width, ellipsis)
}

/** Only keys that have an effect now. */
function keysOf(view: FollowView): [key: string, word: string][] {
  const always: [string, string][] = [
    ['Tab', 'panes'],
    ['?', 'help'],
    ['q', 'quit'],
  ]
  if (isOver(view)) return always
  if (isWatchOnly(view)) return [['x', 'end the watch'], ...always]
  const conflict = conflictOf(view)
  const short = { retry: 'retry', skip: 'skip', apply_schema: 'apply change' }
  const choices = conflict
    ? choicesOf(conflict).map(({ key, action }): [string, string] => [key, short[action]])
    : []
  const pausing: [string, string] = view.state === 'paused' ? ['r', 'resume'] : ['p', 'pause']
  const isSwitching = view.switchover?.state === 'running'
  const switching: [string, string][] =
    canSwitch(view) && !isSwitching ? [['s', view.direction === 'back' ? 'switch back' : 'switch over']] : []
  const copying: [string, string][] = view.failed_tables.length > 0 ? [['c', 'copy again']] : []
  return isBeforeRows(view) ? always : [...choices, ...copying, pausing, ...switching, ...always]
}
