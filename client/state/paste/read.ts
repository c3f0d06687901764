// Reads whatever people have at hand of a connection. Several connections in one text are all returned: the user chooses.
import { readCommands } from './commands.ts'
import { type Labelled, readAlternating, readLabelled } from './labelled.ts'
import { fieldOf, fromPairs, over, type Pair, type Pasted, plain } from './pasted.ts'
import { readString, type StringProblem, urlPattern } from './strings.ts'

export type PasteAnswer = { found: Pasted[] } | { problem: StringProblem | 'nothing' }

/** `known`: the password that a masked one in the text stands for. */
export function readPasted(given: string, known = ''): PasteAnswer {
  const text = bare(given)
  const whole = readString(text, '', known)
  if (whole && 'end' in whole) return answer([whole])
  const commands = readCommands(text)
  if (commands.length > 0) return answer(commands)
  const line = readPassfileLine(text)
  if (line) return answer([line])
  const fromLabels = ofLabelled(labelsOf(text))
  if (fromLabels.length > 0) return answer(fromLabels)
  const fromLines = fromPairs(readAlternating(text))
  if (isEnough(fromLines)) return answer([fromLines])
  const urls = [...text.matchAll(urlPattern)].map(([url]) =>
    readString(url.replace(/[),;.]+$/, ''), '', known),
  )
  const read = urls.filter((one): one is Pasted => one !== undefined && 'end' in one)
  if (read.length > 0) return answer(read)
  return whole ?? { problem: 'nothing' }
}

/** Without what surrounds a copied line: a fence, a prompt, quotes. */
function bare(given: string): string {
  const text = given
    .trim()
    .replace(/^```\w*\s*\n?|\n?```$/g, '')
    .trim()
  const [, quoted] = /^(["'`])[^"'`\n]*\1;?$/.test(text) ? [text, text.replace(/;$/, '').slice(1, -1)] : []
  return quoted ?? text.replace(/;$/, '')
}

/** `PGHOST=db PGPORT=5433` in one line is as good as in two. */
function labelsOf(text: string): Labelled[] {
  const words =
    /^(?:(?:export\s+)?[A-Za-z_]\w*=(?:'[^']*'|"[^"]*"|[^\s'"]+)(?:\s*;)?\s+)+(?:export\s+)?[A-Za-z_]\w*=\S+$/.test(
      text,
    )
  const split =
    words && !text.includes('\n') ? text.replaceAll(/\s+(?=(?:export\s+)?[A-Za-z_]\w*=)/g, '\n') : text
  return readLabelled(split)
}

/** `host:port:database:user:password` */
function readPassfileLine(text: string): Pasted | undefined {
  const [, host, port, database, user, password] =
    /^((?:\\.|[^\s:\\/])+):(\d+|\*):((?:\\.|[^\s:\\])+):((?:\\.|[^\s:\\])+):(\S+)$/.exec(text) ?? []
  if (host === undefined || port === undefined) return undefined
  const parts: Pair[] = [
    ['host', host],
    ['port', port],
    ['dbname', database ?? ''],
    ['user', user ?? ''],
    ['password', password ?? ''],
  ]
  return fromPairs(
    parts.map(([name, value]): Pair => [name, value === '*' ? '' : value.replaceAll(/\\(.)/g, '$1')]),
  )
}

const foreign =
  /mail|smtp|redis|mysql|mongo|rabbit|amqp|kafka|elastic|opensearch|memcache|^aws|^s3|ftp|ldap|imap|pusher|proxy/
const otherEngine = /mysql|maria|sqlite|sqlserver|mssql|oracle|mongo/i
const engineNames =
  /^(?:engine|adapter|connection|dialect|driver|client|provider|dbinstanceidentifier|type|driverclassname)$/

interface Group {
  section: string
  prefix: string
  pairs: Pair[]
  /** Of the pairs, as the text has them. */
  names: string[]
  strings: Pasted[]
  unused: string[]
  isOther: boolean
}

function ofLabelled(labels: readonly Labelled[]): Pasted[] {
  const groups = new Map<string, Group>()
  const unused: string[] = []
  for (const { section, name, value } of labels) {
    const { prefix, key } = split(name)
    const id = `${section}/${prefix}`
    const group = groups.get(id) ?? {
      section,
      prefix,
      pairs: [],
      names: [],
      strings: [],
      unused: [],
      isOther: false,
    }
    groups.set(id, group)
    const whole = /:\/\/|;|\w=/.test(value) ? readString(value, label(section, name)) : undefined
    const isDatabase = plain(key) === 'name' && (prefix !== '' || key === 'NAME')
    if (whole && 'end' in whole) {
      group.strings.push(whole)
    } else if (engineNames.test(plain(key))) {
      group.isOther ||= otherEngine.test(value)
    } else if (fieldOf(key) || isDatabase) {
      group.pairs.push([isDatabase ? 'dbname' : key, value])
      group.names.push(name)
    } else {
      group.unused.push(name)
    }
  }
  const found: Pasted[] = []
  for (const { section, prefix, pairs, names, strings, unused: more, isOther } of groups.values()) {
    if (isOther || foreign.test(prefix.toLowerCase()) || foreign.test(section.toLowerCase())) continue
    const fields = fromPairs(pairs, label(section, prefix))
    unused.push(...more)
    // A URL often has its user and its password beside it.
    if (strings.length > 0)
      found.push(...strings.map((one) => (isRest(fields, one) ? over(fields, one) : one)))
    if (strings.length === 0 || (fields.end.fields.host !== '' && isEnough(fields))) {
      if (isEnough(fields)) found.push(fields)
      else unused.push(...names)
    }
  }
  const whole = found.filter(({ end }) => end.fields.database !== '')
  const chosen = distinct(whole.length > 0 ? whole : found)
  return chosen.map((one) => ({ ...one, unused: [...new Set([...one.unused, ...unused])] }))
}

/** `DB_HOST` is the host of DB, `spring.datasource.username` the user of spring.datasource. */
function split(name: string): { prefix: string; key: string } {
  const [, variant = ''] = /_(UNPOOLED|NON_POOLING|NO_SSL)$/.exec(name) ?? []
  const parts = (variant ? name.slice(0, -variant.length - 1) : name).split(/[_.]|(?<=^PG)/)
  const first =
    parts.length > 1 && /^(?:db|database|pg|postgres|postgresql|app)$/i.test(parts[0] ?? '') ? 1 : 0
  for (let from = first; from < parts.length; from++) {
    const key = parts.slice(from).join('')
    const isUrl = /^(?:url|uri|dsn|connectionstring)$/i.test(key)
    if (isUrl || fieldOf(key) || engineNames.test(plain(key)) || (from > 0 && plain(key) === 'name')) {
      return { prefix: [...parts.slice(0, from), ...(variant ? [variant] : [])].join('_'), key }
    }
  }
  return { prefix: parts.length > 1 ? (parts[0] ?? '') : '', key: parts.slice(1).join('_') || name }
}

function label(section: string, name: string): string {
  return [section, name === 'PG' ? '' : name].filter(Boolean).join(' · ')
}

function isRest({ end }: Pasted, whole: Pasted): boolean {
  return end.fields.host === '' || end.fields.host === whole.end.fields.host
}

function isEnough({ end: { fields }, unfilled }: Pasted): boolean {
  const parts = (['host', 'database', 'user'] as const).filter(
    (name) => fields[name] !== '' || unfilled.includes(name),
  )
  return fields.host !== '' || (parts.length > 1 && fields.database !== '')
}

/** One for each host, since a connection of pgtrek has one server. The same connection twice counts once. */
function answer(found: readonly Pasted[]): PasteAnswer {
  const single = found.flatMap((pasted): Pasted[] => {
    const { host, port } = pasted.end.fields
    if (!host.includes(',')) return [pasted]
    const ports = port.split(',')
    return host.split(',').map((name, index) => {
      const [, own = name, after] = /^(\[.*\]|[^:]*):(\d+)$/.exec(name) ?? []
      const fields = {
        ...pasted.end.fields,
        host: own.replace(/^\[(.*)\]$/, '$1'),
        port: after ?? ports[index] ?? ports[0] ?? '',
      }
      return {
        ...pasted,
        name: after === undefined ? name : `${own}:${after}`,
        end: { ...pasted.end, fields },
      }
    })
  })
  return { found: distinct(single) }
}

function distinct(found: readonly Pasted[]): Pasted[] {
  const places = new Map<string, Pasted>()
  for (const one of found) {
    const { host, port, database, user, password } = one.end.fields
    const place = JSON.stringify([host, port || '5432', database, user])
    const known = places.get(place)
    if (!known || (known.end.fields.password === '' && password !== '')) places.set(place, one)
  }
  return [...places.values()]
}
