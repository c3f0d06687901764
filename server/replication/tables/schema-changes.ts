// A table of the source was altered during a move: the SQL that makes the destination's table able to take its
// changes without destroying data, and in words what a user has to do. The log contains no DDL, and no values that
// DDL has written, so both are read from the source.

import { say } from '../../../shared/say.ts'
import { type TableName, tableKey } from '../../../shared/table-name.ts'
import { quoteLiteral, quoteQualified } from '../../postgres/quote.ts'
import type { Session } from '../../postgres/session.ts'
import { type Both, castKey, columnChanges } from './column-changes.ts'
import { type PartitionShape, readTableShape, type TableShape } from './table-shape.ts'

/** Values of older rows, to be read from the source by their key. */
export interface ColumnFill {
  table: TableName
  /** Without the rows of children that inherit. */
  only: boolean
  key: string[]
  columns: string[]
  /** All values are null on the destination at first, so that only other values have to be fetched. */
  sparse: boolean
}

export interface SchemaChanges {
  table: TableName
  /** To be run on the destination in this order, in one transaction with the fills and `finish`. */
  statements: string[]
  fills: ColumnFill[]
  /** To be run after the fills. */
  finish: string[]
  /** What a user has to do or should know, one sentence each. */
  remarks: string[]
}

export function isEmpty({ statements, fills, finish }: SchemaChanges): boolean {
  return statements.length + fills.length + finish.length === 0
}

/** For users: the SQL, and a comment where values are fetched. */
export function showSchemaChanges({ statements, fills, finish }: SchemaChanges): string[] {
  return [
    ...statements.map((sql) => `${sql};`),
    ...fills.map(
      ({ table, columns, key }) =>
        `-- ${columns.join(', ')} of older rows of ${table.schema}.${table.name}: fetched from the source by ${key.join(', ')}`,
    ),
    ...finish.map((sql) => `${sql};`),
  ]
}

/** Neither session may be in a transaction. */
export async function schemaChangesFor(
  source: Session,
  destination: Session,
  table: TableName,
): Promise<SchemaChanges> {
  const changes: SchemaChanges = { table, statements: [], fills: [], finish: [], remarks: [] }
  const there = await readTableShape(source, table)
  const here = await readTableShape(destination, table)
  const name = `${table.schema}.${table.name}`
  if (!there) {
    changes.remarks.push(
      say`the source no longer has table ${name}: it was dropped or renamed, and is kept on the destination`,
    )
    return changes
  }
  if (!here) return await missingTable(destination, there, changes)
  makeEnums(there, here, await typesOf(destination, [...there.enums.keys()]), changes)
  const work = columnChanges(await bothOf(there, here, destination))
  changes.statements.push(...work.statements)
  changes.finish.push(...work.finish)
  changes.remarks.push(...work.remarks)
  if (work.fills.length > 0) changes.fills.push(...(await fillsOf(source, there, here, work.fills, changes)))
  const partitions = partitionChanges(there, here)
  changes.statements.push(...partitions.statements)
  changes.remarks.push(...partitions.remarks, ...missingBelongings(there, here))
  return changes
}

async function missingTable(destination: Session, there: TableShape, changes: SchemaChanges) {
  const name = `${there.schema}.${there.name}`
  const parent = there.partition && (await readTableShape(destination, there.partition.parent))
  if (there.partition && parent?.divided) {
    const made = partitionChanges(
      { ...there, divided: parent.divided, partitions: [there.partition] },
      parent,
      false,
    )
    changes.statements.push(...made.statements)
    changes.remarks.push(...made.remarks)
  } else {
    changes.remarks.push(
      say`the destination has no table ${name}: if it has another name there, rename it and retry; otherwise "pgtrek recopy ${name}" creates it and copies its rows`,
    )
  }
  return changes
}

async function bothOf(source: TableShape, here: TableShape, destination: Session): Promise<Both> {
  const root = here.root ?? here
  const types = [...source.columns.values()].map(({ typeName }) => typeName)
  return {
    source,
    destination: here,
    altered: quoteQualified(root.schema, root.name),
    destinationMajor: destination.major,
    knownTypes: await typesOf(destination, types),
    safeCasts: await safeCasts(destination, source, here),
  }
}

async function typesOf(destination: Session, names: readonly string[]): Promise<Set<string>> {
  const rows = await destination.query<{ name: string }>(
    `select name from unnest(array[${names.map(quoteLiteral).join(', ')}]::text[]) name
      where pg_catalog.to_regtype(name) is not null`,
  )
  return new Set(rows.map(({ name }) => name))
}

/** Conversions that the server does implicitly, and all conversions to text. */
async function safeCasts(destination: Session, source: TableShape, here: TableShape): Promise<Set<string>> {
  const safe = new Set<string>()
  for (const { name, typeName: to } of source.columns.values()) {
    const from = here.columns.get(name)?.typeName
    if (from === undefined || from === to) continue
    const { may } = await destination.one<{ may: boolean | null }>(`
      select pg_catalog.to_regtype(${quoteLiteral(to)}) = 'pg_catalog.text'::regtype
          or exists (select from pg_catalog.pg_cast
                      where castsource = pg_catalog.to_regtype(${quoteLiteral(from)})
                        and casttarget = pg_catalog.to_regtype(${quoteLiteral(to)})
                        and castcontext = 'i') as may`)
    if (may) safe.add(castKey(from, to))
  }
  return safe
}

/** Labels that types of the destination lack, and types that it does not have. */
function makeEnums(
  there: TableShape,
  here: TableShape,
  known: ReadonlySet<string>,
  { statements }: SchemaChanges,
) {
  for (const [type, labels] of there.enums) {
    const old = here.enums.get(type)
    if (!old && !known.has(type)) {
      statements.push(`create type ${type} as enum (${labels.map(quoteLiteral).join(', ')})`)
    } else if (old) {
      for (const [index, label] of labels.entries()) {
        if (old.includes(label)) continue
        const before = labels[index - 1]
        const place =
          before === undefined ? `before ${quoteLiteral(old[0] ?? '')}` : `after ${quoteLiteral(before)}`
        statements.push(`alter type ${type} add value if not exists ${quoteLiteral(label)} ${place}`)
      }
    }
  }
}

/** In all tables of the destination that the alteration affects. */
async function fillsOf(
  source: Session,
  there: TableShape,
  here: TableShape,
  columns: string[],
  { remarks }: SchemaChanges,
): Promise<ColumnFill[]> {
  const fills: ColumnFill[] = []
  const sparse = columns.every((name) => {
    const column = there.columns.get(name)
    return !here.columns.has(name) && column?.expression === null && column.identity === ''
  })
  const add = (shape: TableShape, only: boolean) => {
    const { schema, name, key } = shape
    if (key.length > 0) fills.push({ table: { schema, name }, only, key, columns, sparse })
    else
      remarks.push(
        say`${schema}.${name} has no key to fetch the values of ${columns.join(', ')} by: compare it at the end`,
      )
  }
  if (here.root && there.root && tableKey(here.root) === tableKey(there.root)) {
    const root = await readTableShape(source, there.root)
    if (root) add(root, false)
    return fills
  }
  if (here.root) {
    const { schema, name } = here.root
    remarks.push(
      say`${schema}.${name} is partitioned on the destination only: its other partitions get the column too; compare them at the end`,
    )
  }
  add(there, here.kind === 'r')
  for (const child of here.children) {
    const shape = await readTableShape(source, child)
    if (shape) add(shape, true)
  }
  return fills
}

function missingBelongings(there: TableShape, here: TableShape): string[] {
  return [...there.belongings]
    .filter(([name]) => !here.belongings.has(name))
    .map(([name, sql]) => say`${name} is on the source only, and is not created: ${sql}`)
}

/** Partitions that only one side has. New ones are created; for others the user decides. */
function partitionChanges(
  there: Pick<TableShape, 'divided' | 'partitions'>,
  here: TableShape,
  /** Whether these are all partitions of the source. */
  whole = true,
): { statements: string[]; remarks: string[] } {
  const statements: string[] = []
  const remarks: string[] = []
  // With other partition keys, each side has its own partitions.
  if (there.divided === null || there.divided !== here.divided) return { statements, remarks }
  const known = new Set(here.partitions.map(tableKey))
  for (const partition of there.partitions) {
    if (known.has(tableKey(partition))) continue
    const { parent, bound, divided } = partition
    const [name, above] = [quoted(partition), quoted(parent)]
    const by = divided === null ? '' : ` partition by ${divided}`
    statements.push(`create table ${name} partition of ${above} ${bound}${by}`)
    remarks.push(
      say`${partition.schema}.${partition.name} is a new partition: rows that were in it before it was attached are not in the stream and have to be copied; rows inserted since are`,
    )
  }
  const still = new Set(there.partitions.map(tableKey))
  for (const partition of whole ? here.partitions : []) {
    if (still.has(tableKey(partition))) continue
    remarks.push(
      say`${partition.schema}.${partition.name} is no longer a partition on the source, and its changes are not sent: it remains a partition on the destination. To do the same there: alter table ${quoted(partition.parent)} detach partition ${quoted(partition)}`,
    )
  }
  return { statements, remarks }
}

function quoted({ schema, name }: Pick<PartitionShape, 'schema' | 'name'>): string {
  return quoteQualified(schema, name)
}
