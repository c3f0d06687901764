// What pg_dump writes about single columns after CREATE TABLE: options, statistics targets, storage, compression.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-ATTRIBUTE-OPTION

const identifier = '(?:"(?:[^"]|"")*"|[^\\s".]+)'
const alterColumn = `ALTER (?:FOREIGN )?TABLE ONLY ${identifier}\\.${identifier} ALTER COLUMN ${identifier} SET `
const setOptions = new RegExp(`^(${alterColumn})\\((.*)\\)$`, 's')
const setHint = new RegExp(`^${alterColumn}(?:\\(|STATISTICS |STORAGE |COMPRESSION )`, 's')

/**
 * Servers keep notes of their own among the options of columns: 15.20 keeps `pg_attver=N` for every column of every
 * table. No server accepts them in SQL, and each of them has its own. Undefined when the statement sets nothing else.
 */
export function withoutInternalOptions(statement: string): string | undefined {
  const [, head, list] = setOptions.exec(statement) ?? []
  if (head === undefined || list === undefined) return statement
  const options = list.split(/, (?=[^\s,=]+=)/)
  const settable = options.filter((option) => !/^"?pg_/.test(option))
  if (settable.length === options.length) return statement
  return settable.length === 0 ? undefined : `${head}(${settable.join(', ')})`
}

/** The table holds its rows without it too: a server that refuses it (it is older, or was built without lz4) keeps the table. */
export function isColumnHint(statement: string): boolean {
  return setHint.test(statement)
}
