// A connection as it is entered: a URL and its fields, each made from the other. The server decides what a URL
// means; this agrees with it on common URLs.
import type { Conn, ProfileConnection } from '../../shared/api.ts'
import type { Connection } from '../../shared/connection.ts'

const fieldNames = [
  'host',
  'port',
  'database',
  'user',
  'password',
  'sslMode',
  'sslRootCert',
  'sslCert',
  'sslKey',
  'connectTimeout',
  'options',
  'applicationName',
] as const
export type FieldName = (typeof fieldNames)[number]
/** As entered. Empty fields are left out, so that the server's environment applies. */
export type Fields = Record<FieldName, string>

export interface End {
  fields: Fields
  /** Parameters of the URL without a field. */
  extra: [string, string][]
  /** Where the server stores this password, and the connection it is for: it is not sent for another one. */
  kept?: { at: ProfileConnection; url: string } | undefined
  /** The connection whose password is no longer known. */
  lost?: string | undefined
}

export type UrlProblem = 'scheme' | 'at' | 'percent' | 'authority'

/** Replaces the password in a shown URL. */
export const mask = '*****'

export function emptyEnd(): End {
  return { fields: Object.fromEntries(fieldNames.map((name) => [name, ''])) as Fields, extra: [] }
}

export function isEmptyEnd({ fields, extra }: End): boolean {
  return extra.length === 0 && fieldNames.every((name) => fields[name] === '')
}

/** A masked password means the known one. */
export function parseUrl(text: string, known = ''): End | UrlProblem {
  const [, rest] = /^\s*postgres(?:ql)?:\/\/(.*?)\s*$/is.exec(text) ?? []
  if (rest === undefined) return 'scheme'
  const [, credentials, place = ''] = /^(?:([^@/]*)@)?(.*)$/s.exec(rest) ?? []
  const [, authority = '', path = '', query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(place) ?? []
  if (authority.includes('@') || (credentials !== undefined && path.includes('@'))) return 'at'
  const address = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(.*))?$/s.exec(authority)
  if (!address) return 'authority'
  try {
    return assemble({
      ...splitCredentials(credentials ?? ''),
      host: decodeURIComponent(address[1] ?? address[2] ?? ''),
      port: decodeURIComponent(address[3] ?? ''),
      database: decodeURIComponent(path),
      query,
      known,
    })
  } catch {
    // Only decodeURIComponent throws here.
    return 'percent'
  }
}

export function formatUrl({ fields, extra }: End, { masked }: { masked: boolean }): string {
  const { host, port, database, user, password } = fields
  const secret = password && `:${masked ? mask : encodeURIComponent(password)}`
  const credentials = user || password ? `${encodeURIComponent(user)}${secret}@` : ''
  const inPath = !/^[/@]/.test(host)
  const place = inPath ? (host.includes(':') ? `[${host}]` : encodeURIComponent(host)) : ''
  const parameters = [
    ...(inPath ? [] : [['host', host] as [string, string]]),
    ...Object.entries(parameterFields)
      .filter(([, name]) => fields[name] !== '')
      .map(([parameter, name]): [string, string] => [parameter, fields[name]]),
    ...extra,
  ].map(([name, value]) => `${encodeURIComponent(name)}=${encodeParameter(name, value, masked)}`)
  const query = parameters.length > 0 ? `?${parameters.join('&')}` : ''
  const portPart = port && `:${encodeURIComponent(port)}`
  return `postgres://${credentials}${place}${portPart}/${encodeURIComponent(database)}${query}`
}

/** The database, regardless of the user. */
export function placeOf({ fields: { host, port, database }, extra }: End): string {
  const more = extra.filter(([name]) => ['service', 'servicefile', 'hostaddr'].includes(name))
  return JSON.stringify([host, port || '5432', database, ...more.sort()])
}

/** Without secrets; entering them again completes it. */
export function withoutSecrets(known: End): End {
  const { fields, extra, kept } = known
  const end: End = {
    fields: { ...fields, password: '' },
    extra: extra.filter(([name]) => !isSecret(name)),
  }
  const url = formatUrl(end, { masked: false })
  if (kept?.url === url) end.kept = { at: { ...kept.at }, url }
  const isLost = fields.password !== '' || end.extra.length < extra.length || lacksPassword(known)
  if (isLost) end.lost = url
  return end
}

/** Its password was lost by a reload of the page, and none was entered since. */
export function lacksPassword(end: End): boolean {
  return (
    end.lost !== undefined && end.fields.password === '' && end.lost === formatUrl(end, { masked: false })
  )
}

/** As sent to the server for connecting. */
export function toConn(end: End): Conn {
  return end.kept && keepsPassword(end) ? { ...end.kept.at } : toConnection(end)
}

export function keepsPassword(end: End): boolean {
  return end.fields.password === '' && end.kept?.url === formatUrl(end, { masked: false })
}

/** As sent to the server for storing. */
export function toConnection(end: End): Connection {
  if (end.extra.length > 0) return { url: formatUrl(end, { masked: false }) }
  const { port, connectTimeout, ...texts } = end.fields
  const present = Object.entries(texts).filter(([, value]) => value !== '')
  return {
    ...Object.fromEntries(present),
    ...(port !== '' && { port: Number(port) }),
    ...(connectTimeout !== '' && { connectTimeout: Number(connectTimeout) }),
  }
}

/** From a saved request or the history. */
export function fromConnection(connection: Connection): End {
  if ('url' in connection) {
    const end = parseUrl(connection.url)
    return typeof end === 'string' ? emptyEnd() : end
  }
  const end = emptyEnd()
  for (const name of fieldNames) end.fields[name] = String(connection[name] ?? '')
  return end
}

export function isPort(text: string): boolean {
  return text === '' || (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535)
}

const parameterFields = {
  sslmode: 'sslMode',
  sslrootcert: 'sslRootCert',
  sslcert: 'sslCert',
  sslkey: 'sslKey',
  connect_timeout: 'connectTimeout',
  options: 'options',
  application_name: 'applicationName',
} as const satisfies Record<string, FieldName>

/** A parameter may also set what comes before the `?`. */
const addressFields: Record<string, FieldName> = {
  host: 'host',
  port: 'port',
  dbname: 'database',
  user: 'user',
  password: 'password',
}

function assemble(parts: {
  user: string
  password: string
  host: string
  port: string
  database: string
  query: string
  known: string
}): End {
  const { query, known, ...given } = parts
  const end = emptyEnd()
  Object.assign(end.fields, given)
  if (given.password === mask) end.fields.password = known
  for (const pair of query.split('&').filter((each) => each !== '')) {
    const [name = '', ...rest] = pair.split('=')
    const key = decodeURIComponent(name)
    const value = decodeURIComponent(rest.join('='))
    const field: FieldName | undefined = parameterOf(key)
    if (field) end.fields[field] = field === 'password' && value === mask ? known : value
    else end.extra.push([key, value])
  }
  return end
}

function parameterOf(name: string): FieldName | undefined {
  const fields: Record<string, FieldName> = { ...parameterFields, ...addressFields }
  return fields[name]
}

function splitCredentials(text: string): { user: string; password: string } {
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(text) ?? []
  return { user: decodeURIComponent(user), password: decodeURIComponent(password) }
}

function encodeParameter(name: string, value: string, masked: boolean): string {
  if (masked && isSecret(name)) return mask
  // Slashes stay readable; libpq accepts them.
  return encodeURIComponent(value).replaceAll('%2F', '/')
}

/** The value of a parameter; `passfile` is a path. */
export function isSecret(parameter: string): boolean {
  return /pass/i.test(parameter) && !/^passfile$/i.test(parameter)
}
