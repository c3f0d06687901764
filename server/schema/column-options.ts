// What pg_dump writes about single columns after CREATE TABLE: options, statistics targets, storage, compression.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-ATTRIBUTE-OPTION

const identifier = '(?:"(?:[^"]|"")*"|[^\\s".]+)'
const alterColumn = `ALTER (?:FOREIGN )?TABLE ONLY ${identifier}\\.${identifier} ALTER COLUMN ${identifier} SET `
const setOptions = new RegExp(`^(${alterColumn})\\((.*)\\)$`, 's')
const setHint = new RegExp(`^${alterColumn}(?:\\(|STATISTICS |STORAGE |COMPRESSION )`, 's')

/**
 * Servers keep internal data among the options of columns: 15.20 keeps `pg_attver=N` for every column of every
 * table. No server accepts it in SQL, and each has its own. Undefined when the statement sets nothing else.
 */
export function withoutInternalOptions(statement: string): string | undefined {
  const [, head, list] = setOptions.exec(statement) ?? []
  if (head === undefined || list === undefined) return statement
  const options = list.split(/, (?=[^\s,=]+=)/)
  const settable = options.filter((option) => !/^"?pg_/.test(option))
  if (settable.length === options.length) return statement
  return settable.length === 0 ? undefined : `${head}(${settable.join(', ')})`
}

/** Not needed for the rows: when a server refuses it (an older one, or one built without lz4), the table is kept. */
export function isColumnHint(statement: string): boolean {
  return setHint.test(statement)
}
