// Statements that mend what a check found, as they are printed: each says on which server, in which database and by
// whom it is run, where that differs from the one before.

export type End = 'source' | 'destination'

export interface Fix {
  end: End
  /** Where it is another database than the one that is connected to. */
  database?: string | undefined
  /** Who may run it, in words. */
  by: string
  sql: string
  /** What else could be run, or has to be known: in comments above. */
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
