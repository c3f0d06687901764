// Statements that fix a finding, as they are printed: a comment names the server, the database and the role, where they
// differ from those of the statement before.

export type End = 'source' | 'destination'

export interface Fix {
  end: End
  /** If it is not the database of the connection. */
  database?: string | undefined
  /** The role that may run it, in words. */
  by: string
  sql: string
  /** Alternatives and remarks, printed as comments above. */
  notes?: readonly string[]
}

export const superuser = 'a superuser'

export function fixes(end: End, by: string, ...statements: string[]): Fix[] {
  return statements.map((sql) => ({ end, by, sql }))
}

export function ownerOf(what: string): string {
  return `the owner of ${what} or a superuser`
}

/** A comment runs to the end of its line. */
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
