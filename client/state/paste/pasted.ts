// What was found in a pasted text, and how names that tools use for the parts of a connection become its fields.
import { sslModes } from '../../../shared/ssl-modes.ts'
import { type End, emptyEnd, type FieldName } from '../connection-url.ts'

export interface Pasted {
  end: End
  /** Where in the text it was: the name of a variable, of a section, or of a host. */
  name: string
  /** Names of parts that have no meaning here, or that pgtrek does not support. Never values. */
  unused: string[]
  /** Fields for which the text has only a placeholder, such as `[YOUR-PASSWORD]`. */
  unfilled: FieldName[]
}

/** A part of a connection as the text has it. */
export type Pair = readonly [name: string, value: string]

const words: Record<string, FieldName> = {
  ...named('host', 'host', 'hostname', 'hostaddr', 'server', 'servername', 'datasource', 'endpoint'),
  ...named('host', 'addr', 'address'),
  ...named('port', 'port'),
  ...named('database', 'dbname', 'database', 'databasename', 'db', 'initialcatalog', 'defaultdb'),
  ...named('user', 'user', 'username', 'userid', 'uid', 'login', 'usr', 'masterusername', 'adminusername'),
  ...named('password', 'password', 'passwd', 'pass', 'pwd', 'masterpassword'),
  ...named('sslMode', 'sslmode', 'ssl', 'tls', 'usessl', 'requiressl'),
  ...named('sslRootCert', 'sslrootcert', 'rootcertificate', 'sslca', 'sslrootcertfile'),
  ...named('sslCert', 'sslcert', 'sslcertificate'),
  ...named('sslKey', 'sslkey'),
  ...named('connectTimeout', 'connecttimeout', 'timeout', 'logintimeout'),
  ...named('options', 'options'),
  ...named('applicationName', 'applicationname', 'appname'),
}

/** Parameters of libpq without a field that pgtrek accepts, with the values that it supports; [] for all. */
const accepted: Record<string, readonly string[]> = {
  passfile: [],
  sslnegotiation: [],
  fallback_application_name: [],
  keepalives: [],
  keepalives_count: [],
  keepalives_idle: [],
  keepalives_interval: [],
  tcp_user_timeout: [],
  channel_binding: ['disable', 'prefer'],
  client_encoding: ['auto', 'utf8', 'utf-8'],
  gssencmode: ['disable', 'prefer'],
  load_balance_hosts: ['disable'],
  target_session_attrs: ['any'],
  ssl_min_protocol_version: ['tlsv1', 'tlsv1.1', 'tlsv1.2'],
}

export function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

export function fieldOf(name: string): FieldName | undefined {
  const key = plain(name)
  return words[key] ?? words[key.replace(/^pg/, '')]
}

/** What `above` has counts; the rest is from `below`. */
export function over(below: Pasted, above: Pasted): Pasted {
  const fields = { ...below.end.fields }
  for (const [name, value] of Object.entries(above.end.fields)) {
    if (value !== '') fields[name as FieldName] = value
  }
  return {
    name: above.name || below.name,
    end: { fields, extra: [...below.end.extra, ...above.end.extra] },
    unused: [...below.unused, ...above.unused],
    unfilled: [...below.unfilled, ...above.unfilled].filter((field) => fields[field] === ''),
  }
}

/** `strict`: what `ssl=true` means. It is verify-full for JDBC, and an encrypted connection elsewhere. */
export function fromPairs(pairs: Iterable<Pair>, name = '', strict = false): Pasted {
  const pasted: Pasted = { end: emptyEnd(), name, unused: [], unfilled: [] }
  const { end, unused, unfilled } = pasted
  for (const [given, value] of pairs) {
    const field = fieldOf(given)
    if (value === '') continue
    if (!field) {
      if (supports(given, value)) end.extra.push([given.toLowerCase(), value])
      else unused.push(given)
    } else if (isPlaceholder(value)) {
      unfilled.push(field)
    } else if (field === 'sslMode') {
      const mode = sslMode(value, strict)
      // `ssl` may follow a more precise `sslmode`.
      if (mode === undefined) unused.push(given)
      else if (plain(given) === 'sslmode' || end.fields.sslMode === '') end.fields.sslMode = mode
    } else if (field === 'connectTimeout' && !/^\d+$/.test(value)) {
      unused.push(given)
    } else {
      end.fields[field] = value
    }
  }
  return pasted
}

/** The parameters of a URL that the server would refuse become unused. */
export function settled(end: End, name = ''): Pasted {
  const { fields, extra, ...rest } = end
  const again = fromPairs(extra, name)
  const all: Pasted = {
    ...again,
    end: {
      ...rest,
      fields: { ...fields, sslMode: fields.sslMode || again.end.fields.sslMode },
      extra: again.end.extra,
    },
  }
  for (const field of Object.keys(fields) as FieldName[]) {
    if (fields[field] !== '' && isPlaceholder(fields[field])) {
      all.end.fields[field] = ''
      all.unfilled.push(field)
    }
  }
  const mode = all.end.fields.sslMode
  if (mode !== '' && !sslModes.some((one) => one === mode)) {
    all.end.fields.sslMode = sslMode(mode, false) ?? ''
    if (all.end.fields.sslMode === '') all.unused.push('sslmode')
  }
  return all
}

/** `[YOUR-PASSWORD]`, `${DB_PASSWORD}`, `<%= ENV["X"] %>`, `*******`: an instruction instead of a value. */
export function isPlaceholder(value: string): boolean {
  return placeholders.some((pattern) => pattern.test(value))
}

const placeholders = [
  /^\$\{\{?[^}]*\}?\}$/,
  /^\$\(?[A-Z_][A-Z0-9_]*\)?$/,
  /^%[A-Z_]+%$/,
  /<%=|\b(?:process\.)?env\b[.[(]|\bos\.(?:environ|getenv)/i,
  /^[[<{(]+[\w\s-]*(?:pass|pwd|secret|your|user|host|name|database|port)[\w\s-]*[\])}>]+$/i,
  /^(?:\*{3,}|•{3,}|x{6,})$/,
]

function sslMode(value: string, strict: boolean): string | undefined {
  const text = value.toLowerCase().replaceAll(/[\s_]/g, '-')
  if (['true', '1', 'yes', 'on'].includes(text)) return strict ? 'verify-full' : 'require'
  if (['false', '0', 'no', 'off'].includes(text)) return 'disable'
  const known = {
    verifyfull: 'verify-full',
    verifyca: 'verify-ca',
    required: 'require',
    'no-verify': 'require',
  }
  const mode = known[text as keyof typeof known] ?? text
  return sslModes.find((one) => one === mode)
}

function supports(name: string, value: string): boolean {
  const values = accepted[name.toLowerCase()]
  return values !== undefined && (values.length === 0 || values.includes(value.toLowerCase()))
}

function named(field: FieldName, ...names: string[]): Record<string, FieldName> {
  return Object.fromEntries(names.map((name) => [name, field]))
}
