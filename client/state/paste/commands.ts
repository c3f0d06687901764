// Command lines: psql, pg_dump and their relatives, with the environment in front of them.
import { fromPairs, over, type Pair, type Pasted } from './pasted.ts'
import { readString } from './strings.ts'

const program =
  /(?:^|[/\\])(psql|pg_dump|pg_dumpall|pg_restore|pg_isready|pg_basebackup|pgcli|pgbench|createdb|dropdb|vacuumdb|reindexdb|pg_amcheck)(?:\.exe)?$/i
const assignment = /^([A-Za-z_]\w*)=(.*)$/s

const flags: Record<string, string> = {
  h: 'host',
  host: 'host',
  p: 'port',
  port: 'port',
  U: 'user',
  username: 'user',
  user: 'user',
  d: 'dbname',
  dbname: 'dbname',
}
/** Short options of these programs that have a value. */
const withValue = /^[cfvoLFRPTjnNtEZSlIXaDrb]$/

/** One for each program in the text. */
export function readCommands(text: string): Pasted[] {
  const environment: Pair[] = []
  const found: Pasted[] = []
  for (const words of commands(text)) {
    const at = words.findIndex((word) => program.test(word))
    const before = at < 0 ? words : words.slice(0, at)
    const own = before.flatMap((word): Pair[] => {
      const [, name, value] = assignment.exec(word) ?? []
      return name !== undefined && value !== undefined ? [[name, value]] : []
    })
    if (at < 0) {
      environment.push(...own)
      continue
    }
    const others = before.filter(
      (word) => !assignment.test(word) && !/^(?:env|export|time|exec|sudo|\$|%)$/.test(word),
    )
    const pasted = ofArguments(words.slice(at), [...environment, ...own])
    pasted.unused.push(...others.slice(0, 1))
    found.push(pasted)
  }
  return found
}

function ofArguments([name = '', ...words]: string[], environment: readonly Pair[]): Pasted {
  const given: Pair[] = []
  const unused: string[] = []
  const places: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const [, long, joined] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
    const [, short, rest = ''] = /^-(\w)(.*)$/s.exec(word) ?? []
    const key = long ?? short
    if (key === undefined) {
      places.push(word)
    } else if (flags[key]) {
      const value = long === undefined ? rest.replace(/^=/, '') || words[++at] : (joined ?? words[++at])
      given.push([flags[key], value ?? ''])
    } else {
      if (!/^(?:w|W|no-password|password)$/.test(key))
        unused.push(long === undefined ? `-${key}` : `--${key}`)
      if (long === undefined && rest === '' && withValue.test(key)) at++
    }
  }
  const isRestore = /pg_restore/i.test(name)
  const [database, user, ...more] = isRestore ? [] : places
  if (database !== undefined) given.push(['dbname', database])
  if (user !== undefined) given.push(['user', user])
  unused.push(...(isRestore && places.length > 0 ? ['archive'] : []), ...more.map(() => 'argument'))
  return merged(given, environment, unused)
}

/** What a command names takes precedence over its environment. A database may be a whole connection string. */
function merged(given: readonly Pair[], environment: readonly Pair[], unused: string[]): Pasted {
  const layers = [
    fromPairs(environment.filter(isLibpq)),
    fromPairs(given.filter(([name]) => name !== 'dbname')),
  ]
  for (const [name, value] of given) {
    if (name !== 'dbname') continue
    const whole = /[=:]/.test(value) ? readString(value) : undefined
    layers.push(whole && 'end' in whole ? whole : fromPairs([['dbname', value]]))
  }
  const pasted = layers.reduce(over)
  const foreign = environment.filter((pair) => !isLibpq(pair)).map(([name]) => name)
  return { ...pasted, unused: [...unused, ...pasted.unused, ...foreign] }
}

function isLibpq([name]: Pair): boolean {
  return name.startsWith('PG')
}

/** Words of a POSIX shell, a list for each command. A backslash continues a line; so does ^ or ` of Windows. */
function commands(text: string): string[][] {
  const lines: string[][] = [[]]
  const token =
    /(\\\r?\n|[\^`]\r?\n|[^\S\r\n]+)|(\r?\n|&&|\|\|?|;|&|[<>])|#[^\n]*(?=\n|$)|((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\|;&<>])+)|./gs
  for (const [, , end, word] of text.matchAll(token)) {
    if (end !== undefined) lines.push([])
    else if (word !== undefined) lines.at(-1)?.push(unquoted(word))
  }
  return lines.filter((words) => words.length > 0)
}

export function unquoted(word: string): string {
  return word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs, (_, single, double, escaped) => {
    if (single !== undefined) return single
    return double !== undefined ? String(double).replaceAll(/\\([\\"$`])/g, '$1') : escaped
  })
}
