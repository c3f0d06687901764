// One connection in one string: a URL of libpq, JDBC or SQLAlchemy, key=value of libpq, or Key=Value; of .NET.
import { parseUrl, type UrlProblem } from '../connection-url.ts'
import { fieldOf, fromPairs, type Pair, type Pasted, settled } from './pasted.ts'

/** A scheme of another database is not a connection of PostgreSQL; its name is kept for the message. */
export type StringProblem = UrlProblem | { scheme: string }
export type Reading = Pasted | { problem: StringProblem } | undefined

export const urlPattern =
  /(?:jdbc:(?:[\w-]+:)?|r2dbc:(?:pool:)?)?(?:postgres(?:ql)?|postgis)(?:\+\w+)?:\/\/[^\s"'`<>]+/gi

/** Undefined if it is none of them. */
export function readString(text: string, name = '', known = ''): Reading {
  const scheme = /^([a-z][a-z0-9+.:-]*?):(?:\/\/|@)/i.exec(text)?.[1]
  if (scheme !== undefined) return readUrl(text, scheme, name, known)
  return (text.includes(';') ? readSemicolons(text, name) : undefined) ?? readKeywords(text, name)
}

function readUrl(text: string, scheme: string, name: string, known: string): Reading {
  const driver = /^(jdbc:(?:[\w-]+:)?|r2dbc:(?:pool:)?)?(?:postgres(?:ql)?|postgis)(\+\w+)?$/i.exec(scheme)
  if (!driver) return { problem: { scheme } }
  const [, java] = driver
  const url = `postgres:${text.slice(scheme.length + 1)}`
  const [, before = '', after = ''] = /^([^?]*)\??(.*)$/s.exec(url) ?? []
  // JDBC passes every part as a parameter, with names of its own.
  const { one, hosts } = firstHost(encodeBrackets(java ? before : url))
  const end = parseUrl(one, known)
  if (typeof end === 'string') return { problem: end }
  if (hosts !== undefined) Object.assign(end.fields, { host: hosts, port: '' })
  if (!java) return settled(end, name)
  const parameters = parseUrl(`postgres:///?${after}`)
  if (typeof parameters === 'string') return { problem: parameters }
  const { fields, extra } = parameters
  const more = fromPairs(
    [...Object.entries(fields).filter(([, value]) => value !== ''), ...extra],
    name,
    true,
  )
  for (const [field, value] of Object.entries(end.fields)) {
    if (value !== '') more.end.fields[field as keyof typeof fields] = value
  }
  return more
}

/** `h1:5432,h2:5433`: the caller makes a connection of each. */
function firstHost(url: string): { one: string; hosts?: string } {
  const [, start = '', hosts = '', rest = ''] = /^(postgres:\/\/(?:[^@/]*@)?)([^/?]*)(.*)$/is.exec(url) ?? []
  const [first = '', ...others] = hosts.split(',')
  return others.length === 0 ? { one: url } : { one: start + first + rest, hosts: decodeURIComponent(hosts) }
}

/** A placeholder such as `[YOUR-PASSWORD]` or `{your_password}` is no part of a valid URL. */
function encodeBrackets(url: string): string {
  return url.replace(/^(postgres:\/\/)([^@/]*)@/i, (_, scheme: string, credentials: string) => {
    return `${scheme}${credentials.replaceAll(/[[\]{}<>]/g, encodeURIComponent)}@`
  })
}

/** `Host=db;Username=jo;Password="a;b"`. A quote in a quoted value is doubled. */
function readSemicolons(text: string, name: string): Pasted | undefined {
  const pairs: Pair[] = []
  const part = /\s*([\w .]+?)\s*=\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|(?!["'])[^;]*)\s*(?:;|$)/y
  while (part.lastIndex < text.trimEnd().length) {
    const [, label, value] = part.exec(text) ?? []
    if (label === undefined || value === undefined) return undefined
    const quote = /^["']/.exec(value)?.[0]
    pairs.push([label, quote ? value.slice(1, -1).replaceAll(quote + quote, quote) : value.trim()])
  }
  // Words after the host: these are parameters of libpq, and the semicolon is in a value.
  if (pairs.some(([label, value]) => fieldOf(label) === 'host' && /\s/.test(value))) return undefined
  return isConnection(pairs) ? fromPairs(pairs.map(azure), name) : undefined
}

/** `Server=tcp:name.postgres.database.azure.com,5432` */
function azure([name, value]: Pair): Pair {
  return fieldOf(name) === 'host' ? [name, value.replace(/^tcp:/i, '')] : [name, value]
}

/** libpq's `host=localhost password='it\'s'`. */
function readKeywords(text: string, name: string): Pasted | undefined {
  const pairs: Pair[] = []
  const label = /\s*([a-z_]+)\s*=\s*/y
  const content = /'(?:\\.|[^'\\])*'(?!\S)|(?!')(?:\\.|[^\s\\]|\\$)*/sy
  while (content.lastIndex < text.length) {
    label.lastIndex = content.lastIndex
    const key = label.exec(text)?.[1]
    if (!key) return undefined
    content.lastIndex = label.lastIndex
    const value = content.exec(text)?.[0]
    if (value === undefined) return undefined
    // libpq has no such quotes: this is a call of a program.
    if (value.startsWith('"')) return undefined
    const bare = value.startsWith("'") ? value.slice(1, -1) : value
    pairs.push([key, bare.replaceAll(/\\(.)/gs, '$1')])
  }
  return isConnection(pairs) ? fromPairs(pairs, name) : undefined
}

function isConnection(pairs: readonly Pair[]): boolean {
  return pairs.some(([name]) => ['host', 'database', 'user'].includes(fieldOf(name) ?? ''))
}
