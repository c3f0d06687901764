// Reads a connection URL or a key=value string by libpq's rules. Both can contain a password, and after a syntax
// error any part may be it, so no message here repeats a part of the text.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
import { collectParameters, type Parameters } from './connection-parameters.ts'
import { UsageError } from './errors.ts'

export function parseConnectionString(given: string): Parameters {
  const text = given.trim()
  if (text === '') throw new UsageError('the connection URL is empty')
  const scheme = /^postgres(?:ql)?:\/\//i.exec(text)
  if (scheme) return parseUrl(text.slice(scheme[0].length))
  if (/^[a-z][a-z0-9+.:-]*:\/\//i.test(text)) {
    throw new UsageError('a connection URL starts with postgres:// or postgresql://')
  }
  if (text.includes('=')) return collectParameters(keyValues(text), keyValuePlace)
  // A single word is the name of a database, as for psql and pg_dump.
  if (/^[^\s:/@?]+$/.test(text)) return collectParameters([['dbname', text]], 'connection')
  throw new UsageError(
    'not a valid connection: use postgres://user@host:port/database, or host=... dbname=... user=...',
  )
}

const urlPlace = 'connection URL'
const keyValuePlace = 'connection string'

/** The URL after the scheme: `[user[:password]@][host][:port][/database][?parameter=value&...]`. */
function parseUrl(text: string): Parameters {
  const [, credentials, rest = ''] = /^(?:([^@/]*)@)?(.*)$/s.exec(text) ?? []
  const [, authority = '', path = '', query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(rest) ?? []
  const mayHoldPassword = credentials !== undefined || authority.includes(':')
  if (authority.includes('@') || (mayHoldPassword && path.includes('@'))) throw strayAt()

  const pairs: [string, string][] = []
  if (credentials !== undefined) {
    const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(credentials) ?? []
    pairs.push(['user', decode(user, 'user')], ['password', decode(password, 'password')])
  }
  pairs.push(...hostAndPort(authority), ['dbname', decode(path, 'database')])
  const parameters = collectParameters(pairs, urlPlace)
  const fromQuery = collectParameters(queryPairs(query), urlPlace, !(mayHoldPassword && query.includes('@')))
  return new Map([...parameters, ...fromQuery])
}

function hostAndPort(authority: string): [string, string][] {
  if (authority.includes(',')) throw severalHosts()
  // An IPv6 address contains colons, so it is enclosed in brackets.
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(.*))?$/s.exec(authority)
  if (!parts) {
    throw new UsageError(
      `the ${urlPlace} has no readable host and port: write an IPv6 address in brackets, as in [::1]:5432`,
    )
  }
  const [, address, name = '', port = ''] = parts
  return [
    ['host', decode(address ?? name, 'host')],
    ['port', decode(port, 'port')],
  ]
}

export function severalHosts(): UsageError {
  return new UsageError('several hosts in one connection are not supported: name the one to use')
}

/** libpq requires every `=` in a value to be encoded. We accept it as it is, because it cannot mean anything else. */
function* queryPairs(query: string): Generator<[string, string]> {
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (equals < 0) throw new UsageError(`a parameter of the ${urlPlace} has no "=" and value`)
    yield [decode(pair.slice(0, equals), 'name of a parameter'), decode(pair.slice(equals + 1), 'parameter')]
  }
}

function decode(text: string, part: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) {
    throw new UsageError(
      `the ${part} in the ${urlPlace} has a "%" that does not start an encoded character: write it as %25`,
    )
  }
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UsageError(`the ${part} in the ${urlPlace} is not UTF-8 text once decoded`)
  }
}

function strayAt(): UsageError {
  return new UsageError(
    `the ${urlPlace} has too many "@": in a user or password write @ as %40, / as %2F and : as %3A`,
  )
}

/** `host=localhost password='it\'s'`: spaces may surround `=`, and a backslash escapes the next character. */
function* keyValues(text: string): Generator<[string, string]> {
  const label = /\s*([^\s=]+)\s*=\s*/y
  const content = /'(?:\\.|[^'\\])*'(?!\S)|(?!')(?:\\.|[^\s\\]|\\$)*/sy
  while (content.lastIndex < text.length) {
    label.lastIndex = content.lastIndex
    const name = label.exec(text)?.[1]
    if (!name) throw unreadable('a parameter has no name or no "="')
    content.lastIndex = label.lastIndex
    const value = content.exec(text)?.[0]
    if (value === undefined) throw unreadable('a quoted value does not end, or continues after its quote')
    const bare = value.startsWith("'") ? value.slice(1, -1) : value
    yield [name, bare.replaceAll(/\\(.)/gs, '$1')]
  }
}

function unreadable(problem: string): UsageError {
  return new UsageError(
    `${problem} in the ${keyValuePlace}: write a value with spaces as 'a b', and ' or \\ in it as \\' or \\\\`,
  )
}
