// The result of a comparison as text.
import type {
  DataComparison,
  DifferingRow,
  Drill,
  LargeObjectsComparison,
  SchemaComparison,
  SequencesComparison,
  TableComparison,
} from '../../../shared/comparison.ts'
import { formatCount, formatDuration, formatRows } from '../../../shared/format.ts'
import { printable } from '../../../shared/printable.ts'
import { showName } from '../../../shared/table-name.ts'
import type { Style } from './style.ts'

export function dataLines(comparison: DataComparison, style: Style): string[] {
  const { tables, sequences, large_objects: objects } = comparison
  return [
    ...tables.filter(({ status }) => status !== 'same').flatMap((table) => tableLines(table, style)),
    ...tables.filter(({ status }) => status === 'same').flatMap(typeLines),
    ...(sequences ? sequenceLines(sequences, style) : []),
    ...(objects ? largeObjectLines(objects, style) : []),
  ]
}

export function dataVerdict(comparison: DataComparison, style: Style): string {
  const { tables, sequences, large_objects: objects, elapsed_seconds, fast } = comparison
  const rows = tables.reduce((sum, { source }) => sum + (source?.rows ?? 0), 0)
  const unlike = tables.filter(({ status }) => status !== 'same').length
  const unlikeObjects = objects ? objects.missing + objects.extra + objects.different + objects.unreadable : 0
  const parts = [
    share(unlike, tables.length, 'table'),
    ...(sequences ? [share(sequences.differences.length, sequences.compared, 'sequence')] : []),
    ...(objects ? [share(unlikeObjects, objects.source.rows, 'large object')] : []),
  ]
  const how = fast ? ' (rows counted, values not compared)' : ''
  const amount = `${parts.join(', ')}; ${formatCount(rows, 'row')} on the source`
  return `${verdict(comparison, style)}${how}: ${amount}, in ${formatDuration(elapsed_seconds)}.`
}

function share(unlike: number, all: number, what: string): string {
  return unlike === 0 ? formatCount(all, what) : `${formatRows(unlike)} of ${formatCount(all, what)}`
}

function verdict({ status }: { status: 'same' | 'different' }, style: Style): string {
  return status === 'same' ? style.good('Same') : style.bad('Different')
}

/** Lines of one table; only its name if there is no difference. */
export function tableLines(table: TableComparison, style: Style): string[] {
  const name = printable(showName(table))
  const { source, destination, error, drill } = table
  if (table.status === 'same')
    return [`${style.good(style.signs.done)} ${name}: ${formatCount(source?.rows ?? 0, 'row')}`]
  const lines = [
    `${style.bad(wordOf(table.status))} ${name}${table.whole_tree ? ' (all partitions together)' : ''}`,
  ]
  const add = (text: string) => lines.push(`  ${printable(text)}`)
  if (error) {
    add(
      `${table.error_side ? `on the ${table.error_side}: ` : ''}${error.message}${error.sqlstate ? ` (SQLSTATE ${error.sqlstate})` : ''}`,
    )
    if (error.hint) add(error.hint)
  }
  if (source && destination) {
    if (source.rows !== destination.rows) {
      add(
        `${formatCount(source.rows, 'row')} on the source, ${formatRows(destination.rows)} on the destination`,
      )
    } else if (source.hash !== destination.hash) {
      add(`${formatCount(source.rows, 'row')} on either side, but their values differ`)
    } else add(`${formatCount(source.rows, 'row')}: the common columns are the same`)
  }
  const columns = { source: table.columns_only_on_source, destination: table.columns_only_on_destination }
  for (const [side, names] of Object.entries(columns)) {
    if (names.length > 0) add(`columns only on the ${side}: ${names.join(', ')}`)
  }
  lines.push(...typeLines(table).map((line) => `  ${line}`))
  if (drill) lines.push(...drillLines(drill, style))
  return lines
}

function wordOf(status: TableComparison['status']): string {
  return status === 'missing'
    ? 'missing on the destination:'
    : status === 'extra'
      ? 'only on the destination:'
      : `${status}:`
}

function typeLines({ schema, name, types }: TableComparison): string[] {
  return types.map(({ column, source, destination }) => {
    return printable(
      `note: ${showName({ schema, name })}.${column} is ${source} on the source, ${destination} on the destination`,
    )
  })
}

function drillLines(drill: Drill, style: Style): string[] {
  const { key, missing, extra, different, rows } = drill
  const totals = [
    ...(missing > 0 ? [`${formatCount(missing, 'row')} missing on the destination`] : []),
    ...(extra > 0 ? [`${formatCount(extra, 'row')} only on the destination`] : []),
    ...(different > 0 ? [`${formatCount(different, 'row')} different`] : []),
  ]
  const shown = rows.length < missing + extra + different ? `; the first ${formatRows(rows.length)}:` : ':'
  if (key === null) return [`  ${totals.join(', ')}. It has no key to name rows by.`]
  return [`  ${totals.join(', ')}${shown}`, ...rows.map((row) => `    ${rowLine(row, key, style)}`)]
}

function rowLine(
  { change, key, columns, rows }: DifferingRow,
  names: readonly string[],
  style: Style,
): string {
  const values = names.map((name, index) => `${name}=${key[index] ?? 'NULL'}`).join(' ')
  const what = columns && columns.length > 0 ? `: ${columns.join(', ')}` : ''
  const count = rows ? `: ${rows.source} on the source, ${rows.destination} on the destination` : ''
  return `${style.caution(change)} ${printable(values + what + count)}`
}

function sequenceLines(
  { differences, of_extensions: internal }: SequencesComparison,
  style: Style,
): string[] {
  const lines = differences.map(({ status, source, destination, ...sequence }) => {
    const values = `${source ?? 'unknown'} on the source, ${destination ?? 'unknown'} on the destination`
    const detail = status === 'different' || status === 'unknown' ? `: ${values}` : ''
    return `${style.bad(wordOf(status))} sequence ${printable(showName(sequence))}${detail}`
  })
  const note = `note: ${formatCount(internal, 'sequence')} of extensions: neither migrated nor compared`
  return internal > 0 ? [...lines, note] : lines
}

function largeObjectLines(objects: LargeObjectsComparison, style: Style): string[] {
  const { missing, extra, different, unreadable } = objects
  const total = missing + extra + different + unreadable
  const hidden = total - objects.objects.length
  return [
    ...objects.objects.map(({ oid, status }) => `${style.bad(wordOf(status))} large object ${oid}`),
    ...(hidden > 0 ? [`and ${formatCount(hidden, 'more large object')}`] : []),
  ]
}

export function schemaLines(comparison: SchemaComparison, style: Style): string[] {
  const lines = comparison.differences.flatMap(({ kind, status, difference, ...object }) => [
    `${style.bad(wordOf(status))} ${kind} ${printable(showName(object))}`,
    ...(status === 'different' ? difference.map((line) => `  ${painted(printable(line), style)}`) : []),
  ])
  const unreadable = comparison.unreadable.map((name) => {
    return `${style.caution('unknown:')} TABLE ${printable(name)}: no permission to read it, not compared`
  })
  return [
    ...lines,
    ...unreadable,
    ...comparison.normalised.map((why) => `note: not counted as different: ${why}`),
  ]
}

function painted(line: string, style: Style): string {
  if (line.startsWith('+')) return style.good(line)
  return line.startsWith('-') ? style.bad(line) : style.dim(line)
}

export function schemaVerdict(comparison: SchemaComparison, style: Style): string {
  const { differences, compared, elapsed_seconds } = comparison
  return `${verdict(comparison, style)}: ${share(differences.length, compared, 'object')} in ${formatDuration(elapsed_seconds)}.`
}
