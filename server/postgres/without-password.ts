// A connection without its password, as it may be stored and shown.
import type { Connection } from '../../shared/connection.ts'
import { type ParameterName, refuseUnsupported } from './connection-parameters.ts'
import { parseConnectionString } from './connection-string.ts'

export interface Parted {
  connection: Connection
  password: string | undefined
}

/** Throws a UsageError for invalid text. */
export function withoutPassword(connection: Connection): Parted {
  if (!('url' in connection)) {
    const { password, ...rest } = connection
    return { connection: rest, password: password === '' ? undefined : password }
  }
  const parameters = parseConnectionString(connection.url)
  // It would be stored as part of the text, and is not supported anyway.
  refuseUnsupported(new Map([...parameters].filter(([name]) => name === 'sslpassword')))
  const password = parameters.get('password')?.value
  const url = isUrl.test(connection.url) ? urlWithout(connection.url) : keyValuesWithout(connection.url)
  if (parseConnectionString(url).has('password')) throw new Error('a password would have been stored')
  return { connection: { url }, password }
}

const isUrl = /^\s*postgres(?:ql)?:\/\//i

/** The rest of the URL stays unchanged, as the user wrote it. */
function urlWithout(text: string): string {
  const [, scheme = '', user, rest = ''] =
    /^\s*(postgres(?:ql)?:\/\/)(?:([^@/:]*)(?::[^@/]*)?@)?(.*?)\s*$/is.exec(text) ?? []
  const [, path = '', query] = /^([^?]*)(?:\?(.*))?$/s.exec(rest) ?? []
  const pairs = (query ?? '').split('&').filter((pair) => pair !== '' && nameIn(pair) !== 'password')
  const credentials = user === undefined ? '' : `${user}@`
  return scheme + credentials + path + (pairs.length > 0 ? `?${pairs.join('&')}` : '')
}

function nameIn(pair: string): string {
  return decodeURIComponent(pair.slice(0, Math.max(0, pair.indexOf('='))))
}

function keyValuesWithout(text: string): string {
  const kept = [...parseConnectionString(text)].filter(
    ([name]: [ParameterName, unknown]) => name !== 'password',
  )
  return kept.map(([name, { value }]) => `${name}='${value.replace(/['\\]/g, '\\$&')}'`).join(' ')
}
