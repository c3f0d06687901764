// Constraints in two steps: a long one that lets other sessions work, and a short one that locks the table.
import { unquoted } from './plain-names.ts'

const identifier = '(?:"(?:[^"]|"")*"|[^\\s".]+)'
const addKey = new RegExp(
  `^(ALTER TABLE (?:ONLY )?${identifier}\\.${identifier}\\s+ADD CONSTRAINT (${identifier}) (?:PRIMARY KEY|UNIQUE))` +
    '(?: NULLS NOT DISTINCT)? \\(.*?\\)((?: (?:DEFERRABLE|INITIALLY DEFERRED))*)$',
  's',
)
const addForeignKey = new RegExp(
  `^(ALTER TABLE (?:ONLY )?${identifier}\\.${identifier})\\s+ADD CONSTRAINT (${identifier}) FOREIGN KEY `,
)

const partitionedValidatedSince = 18

/**
 * Before 18 no foreign key of a partitioned table can be NOT VALID, and VALIDATE of one that refers to a partitioned
 * table leaves the constraints of its partitions (`f_a_fkey1`) marked as not valid.
 */
export function isValidatedLater(
  major: number,
  key: { tablePartitioned: boolean; referencedPartitioned: boolean },
): boolean {
  return major >= partitionedValidatedSince || !(key.tablePartitioned || key.referencedPartitioned)
}

/** Adds the foreign key without a check of existing rows, and then checks them while other sessions may write. */
export function splitForeignKey(statement: string): { add: string; validate: string } | undefined {
  const [, table, name] = addForeignKey.exec(statement) ?? []
  if (!table || !name || statement.endsWith(' NOT VALID')) return undefined
  return { add: `${statement} NOT VALID`, validate: `${table} VALIDATE CONSTRAINT ${name}` }
}

/** `ADD CONSTRAINT k UNIQUE (a) DEFERRABLE` -> `ADD CONSTRAINT k UNIQUE USING INDEX k DEFERRABLE` */
export function useReadyIndex(statement: string): { statement: string; index: string } | undefined {
  const found = addKey.exec(statement)
  const rest = found && statement.slice((found[1] as string).length)
  if (!found || /WITHOUT OVERLAPS/.test(rest ?? '')) return undefined
  const [, head = '', name = '', timing = ''] = found
  return {
    statement: `${head} USING INDEX ${name}${timing}`,
    index: unquoted(name),
  }
}
