// The parameters that a connection URL, a key=value string or the environment may contain, as for libpq. Each is
// used, ignored without harm, or refused because ignoring it would not be what the user requested.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
import { UsageError } from './errors.ts'

const used = [
  'host',
  'hostaddr',
  'port',
  'dbname',
  'user',
  'password',
  'passfile',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'connect_timeout',
  'options',
  'application_name',
] as const

/** They only tune the connection or state preferences. */
const ignored = [
  'fallback_application_name',
  'gssdelegation',
  'gsslib',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'krbsrvname',
  'sslcompression',
  'tcp_user_timeout',
  'uselibpqcompat',
] as const

/** They are guarantees that we can give for these values only. */
const limited = {
  channel_binding: ['disable', 'prefer'],
  client_encoding: ['auto', 'utf8', 'utf-8'],
  gssencmode: ['disable', 'prefer'],
  load_balance_hosts: ['disable'],
  replication: ['false', 'off', 'no', '0'],
  require_auth: [],
  requirepeer: [],
  service: [],
  ssl_max_protocol_version: ['tlsv1.3'],
  ssl_min_protocol_version: ['tlsv1', 'tlsv1.1', 'tlsv1.2'],
  sslcertmode: ['allow'],
  sslcrl: [],
  sslcrldir: [],
  sslpassword: [],
  sslsni: ['1'],
  target_session_attrs: ['any'],
} as const satisfies Record<string, readonly string[]>

/** Names that other drivers and tools use. */
const otherNames: Record<string, ParameterName> = {
  applicationname: 'application_name',
  connecttimeout: 'connect_timeout',
  database: 'dbname',
  db: 'dbname',
  hostname: 'host',
  pass: 'password',
  passwd: 'password',
  pwd: 'password',
  server: 'host',
  sslca: 'sslrootcert',
  timeout: 'connect_timeout',
  username: 'user',
}

export type ParameterName = (typeof used)[number] | (typeof ignored)[number] | keyof typeof limited
const names: readonly string[] = [...used, ...ignored, ...Object.keys(limited)]

export interface Parameter {
  value: string
  /** Where the user set it, for messages: `sslmode in the connection URL`, `PGSSLMODE`. */
  origin: string
}
export type Parameters = Map<ParameterName, Parameter>

/** The last of several with the same name counts. An empty one counts as absent. */
export function collectParameters(
  pairs: Iterable<[string, string]>,
  place: string,
  nameable = true,
): Parameters {
  const parameters: Parameters = new Map()
  let mayName = nameable
  for (const [given, value] of pairs) {
    const name = given === 'ssl' ? 'sslmode' : given
    if (!isParameterName(name)) throw unknownParameter(name, place, mayName)
    // It may be the rest of a password that was not encoded or quoted, so messages must not name it.
    if (name === 'password') mayName = false
    const origin = `${given} in the ${place}`
    if (value.includes('\0')) throw new UsageError(`${origin} must not contain a zero byte`)
    if (value !== '') parameters.set(name, { value: given === 'ssl' ? sslMode(value) : value, origin })
  }
  return parameters
}

/** Throws for parameters whose request cannot be met. */
export function refuseUnsupported(parameters: Parameters) {
  for (const [name, supported] of Object.entries(limited)) {
    const parameter = parameters.get(name as keyof typeof limited)
    if (!parameter || supported.some((value) => value === parameter.value.toLowerCase())) continue
    const advice = supported.length > 0 ? `omit it, or set it to ${listed(supported)}` : 'omit it'
    throw new UsageError(`${parameter.origin} is set to a value that pgtrek does not support: ${advice}`)
  }
}

export function listed(values: readonly string[]): string {
  return values.length < 2 ? values.join() : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}

function isParameterName(name: string): name is ParameterName {
  return names.includes(name)
}

/** `ssl=true` is JDBC's form of `sslmode=require`. Other drivers write a mode there. */
function sslMode(value: string): string {
  if (['true', 'on', '1', 'yes'].includes(value)) return 'require'
  if (['false', 'off', '0', 'no'].includes(value)) return 'disable'
  return value
}

function unknownParameter(name: string, place: string, mayName: boolean): UsageError {
  if (!mayName || !/^\w{1,40}$/.test(name)) {
    const cause = 'A password with special characters must be encoded (in a URL) or quoted.'
    return new UsageError(`the ${place} has a parameter that does not exist. ${cause}`)
  }
  const similar = nearestName(name.toLowerCase())
  const advice = similar ? `did you mean ${similar}?` : `known parameters: ${listed(used)}`
  return new UsageError(`the ${place} has an unknown parameter "${name}": ${advice}`)
}

function nearestName(name: string): string | undefined {
  if (isParameterName(name)) return name
  const other = otherNames[name.replaceAll('_', '')]
  if (other) return other
  const near = names.map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
  const nearest = near.reduce((best, one) => (one.edits < best.edits ? one : best))
  return nearest.edits <= Math.max(1, Math.floor(name.length / 3)) ? nearest.candidate : undefined
}

/** The Levenshtein distance: the number of letters to add, remove or change. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1]
    for (const [column, other] of [...to].entries()) {
      const changed = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
