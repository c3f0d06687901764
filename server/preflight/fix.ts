// Statements that fix a finding. They are printed with a comment that names the server, the database and the role, if
// these differ from the statement before.

export type End = 'source' | 'destination'

export interface Fix {
  end: End
  /** Set if it is not the database of the connection. */
  database?: string | undefined
  /** The role that may run it, for the comment. */
  by: string
  sql: string
  /** Alternatives and remarks, printed as comments before the statement. */
  notes?: readonly string[]
}

export const superuser = 'a superuser'

export function fixes(end: End, by: string, ...statements: string[]): Fix[] {
  return statements.map((sql) => ({ end, by, sql }))
}

export function ownerOf(what: string): string {
  return `the owner of ${what} or a superuser`
}

/** A comment ends at the end of its line. */
const inOneLine = (text: string) => text.replace(/[\r\n]+/g, ' ')

export function written(list: readonly Fix[]): string[] {
  let before = ''
  return list.map(({ end, database, by, sql, notes = [] }) => {
    const place = `on the ${end}${database === undefined ? '' : `, in database ${database}`}, as ${by}`
    const heads = place === before ? notes : [place, ...notes]
    before = place
    return [...heads.map((head) => `-- ${inOneLine(head)}`), sql].join('\n')
  })
}
