// One line of the board: a mapping or a database, with the same columns.
import { For, type JSX, Show } from 'solid-js'
import { dateText, rateText, rowsText, t } from '../i18n/index.ts'
import { PageLink } from '../parts/page-link.tsx'
import { type BoardRow, errorsOf, isGreen, isOver } from '../state/fleet-rows.ts'
import { differenceText, lagText, ofText } from './totals.tsx'

export const columns = ['state', 'ready', 'databases', 'tables', 'lag', 'rows', 'rate', 'errors'] as const
type Column = (typeof columns)[number]

export type Line = Extract<BoardRow, { open: boolean }>

export function BoardLine(props: { row: Line; active: boolean; onToggle: () => void; onActive: () => void }) {
  const isMapping = () => props.row.kind === 'mapping'
  const cells = () => (props.row.kind === 'mapping' ? mappingCells(props.row) : databaseCells(props.row))
  const name = () => (props.row.kind === 'mapping' ? props.row.mapping.head.name : props.row.database.name)
  const state = () => (props.row.kind === 'mapping' ? props.row.mapping.head : props.row.database).state
  return (
    <div class="board-row" classList={{ 'of-mapping': isMapping(), 'of-database': !isMapping() }}>
      <div class="board-name">
        <button
          type="button"
          class="plain board-toggle"
          aria-expanded={props.row.open}
          tabIndex={props.active ? 0 : -1}
          onClick={() => props.onToggle()}
          onFocus={() => props.onActive()}
        >
          <span class="board-sign" aria-hidden="true">
            {props.row.open ? '▾' : '▸'}
          </span>
          <b>{name()}</b>
        </button>
        <Show when={props.row.kind === 'mapping' && props.row.mapping.head}>
          {(head) => (
            <span class="quiet board-ways">
              {head().source} <span aria-hidden="true">→</span> {head().destination}
            </span>
          )}
        </Show>
      </div>
      <For each={columns}>
        {(column) => (
          <div class={`board-cell ${column}`}>
            <span class="board-label">{t(`fleet.columns.${column}`)} </span>
            <Show
              when={column === 'state'}
              fallback={<span class="numbers">{cells()[column as Exclude<Column, 'state'>]}</span>}
            >
              <span class={`tag fleet-${state()}`}>{stateText(props.row)}</span>
            </Show>
          </div>
        )}
      </For>
    </div>
  )
}

type Cells = Record<Exclude<Column, 'state'>, JSX.Element>

function mappingCells({ mapping: { head, databases } }: Line): Cells {
  const green = databases.filter(isGreen).length
  const open = databases.filter((one) => !isOver(one)).length
  return {
    ready: head.follow ? <Light green={green > 0 && green === open} text={rowsText(green)} /> : '–',
    databases: ofText(head.databases_done, databases.length),
    tables: ofText(head.tables_done, head.tables),
    lag: head.follow ? lagText(head.lag_bytes, head.lag_seconds) : '–',
    rows: differenceText(head.row_difference),
    rate: rateText(head.bytes_per_second),
    errors: rowsText(head.errors),
  }
}

function databaseCells(row: Extract<Line, { kind: 'database' }>): Cells {
  const { database, mapping } = row
  const green = isGreen(database)
  const isFollowed = mapping.head.follow && database.ready !== undefined
  return {
    ready: isFollowed ? <Light green={green} text={t(green ? 'app.yes' : 'app.no')} /> : '–',
    databases: <PageLink to={detailPath(mapping.head.name, database.name)}>{t('history.open')}</PageLink>,
    tables: ofText(database.tables_done, database.tables),
    lag: isFollowed ? lagText(database.lag_bytes, database.lag_seconds) : '–',
    rows: <Difference rows={database.row_difference} at={database.counted_at} />,
    rate: rateText(database.bytes_per_second),
    errors: rowsText(errorsOf(database)),
  }
}

export function detailPath(mapping: string, database: string): string {
  return `/#fleet/${encodeURIComponent(mapping)}/${encodeURIComponent(database)}`
}

function stateText(row: Line): string {
  const { state } = row.kind === 'mapping' ? row.mapping.head : row.database
  // What is copied once is never switched over.
  if (state === 'done' && !row.mapping.head.follow) return t('fleet.copied')
  return t(`fleet.state.${state}`)
}

function Light(props: { green: boolean; text: string }) {
  return (
    <span class="board-light" classList={{ green: props.green }}>
      <span class="light" aria-hidden="true" />
      {props.text}
    </span>
  )
}

function Difference(props: { rows: number | undefined; at: number | undefined }) {
  return (
    <span
      title={
        props.at === undefined
          ? undefined
          : t('fleet.countedAt', { at: dateText(new Date(props.at).toISOString()) })
      }
    >
      {differenceText(props.rows)}
    </span>
  )
}
