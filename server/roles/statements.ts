// The SQL that creates roles, memberships, settings and grants.
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import { type Attribute, type Membership, membershipOptionsSince, type Role } from './read.ts'
import type { RoleSetting } from './read-rights.ts'

export const attributeWords: Record<Attribute, string> = {
  superuser: 'superuser',
  createDatabase: 'createdb',
  createRole: 'createrole',
  inherit: 'inherit',
  login: 'login',
  replication: 'replication',
  bypassRls: 'bypassrls',
}

export function attributeWord(attribute: Attribute, value: boolean): string {
  return `${value ? '' : 'no'}${attributeWords[attribute]}`
}

/** Attributes that are not given get the server's default: naming them needs rights that the creator may lack. */
export function createRole(role: Role, given: readonly Attribute[]): string {
  const words = [
    ...given.map((attribute) => attributeWords[attribute]),
    ...(role.inherit ? [] : ['noinherit']),
    ...(role.connectionLimit === -1 ? [] : [`connection limit ${role.connectionLimit}`]),
    ...(role.validUntil === null ? [] : [`valid until ${quoteLiteral(role.validUntil)}`]),
  ]
  return `create role ${quoteIdentifier(role.name)}${words.length > 0 ? ` ${words.join(' ')}` : ''}`
}

export function alterRole(name: string, words: string): string {
  return `alter role ${quoteIdentifier(name)} ${words}`
}

export function grantMembership({ role, member, admin, inherit, set }: Membership, major: number): string {
  const grant = `grant ${quoteIdentifier(role)} to ${quoteIdentifier(member)}`
  if (major < membershipOptionsSince) return `${grant}${admin ? ' with admin option' : ''}`
  return `${grant} with admin ${admin}, inherit ${inherit}, set ${set}`
}

export function commentOnRole({ name, comment }: Pick<Role, 'name' | 'comment'>): string {
  return `comment on role ${quoteIdentifier(name)} is ${quoteLiteral(comment ?? '')}`
}

export function labelRole(name: string, { provider, label }: Role['labels'][number]): string {
  return `security label for ${quoteIdentifier(provider)} on role ${quoteIdentifier(name)} is ${quoteLiteral(label)}`
}

export function alterSetting(setting: RoleSetting): string {
  const { role, database } = setting
  const whose =
    role !== null
      ? `role ${quoteIdentifier(role)}${database === null ? '' : ` in database ${quoteIdentifier(database)}`}`
      : database === null
        ? 'role all'
        : `database ${quoteIdentifier(database)}`
  return `alter ${whose} set ${settingName(setting.name)} to ${settingValue(setting)}`
}

export function toWhom(grantee: string | null): string {
  return grantee === null ? 'public' : quoteIdentifier(grantee)
}

/** `app.tenant` is two names with a dot. */
export function settingName(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.')
}

/** The server stores these settings as lists of quoted names (GUC_LIST_QUOTE): a single literal would be one name. */
const listSettings = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])

function settingValue({ name, value }: Pick<RoleSetting, 'name' | 'value'>): string {
  if (!listSettings.has(name.toLowerCase())) return quoteLiteral(value)
  const names = splitNames(value)
  return names.length === 0 ? "''" : names.map(quoteLiteral).join(', ')
}

/** `"$user", public, "a ""b"""` -> its names. */
export function splitNames(list: string): string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|[^\s,"]+/g)].map(([word, quoted]) =>
    quoted === undefined ? word : quoted.replaceAll('""', '"'),
  )
}

/** Applications keep keys in custom settings. */
const secretName = /pass(word|wd|phrase)?|secret|token|credential|(^|[._])(api|private|jwt)?_?key($|[._])/i

export function shownSetting(setting: RoleSetting): string {
  return isSecretSetting(setting.name)
    ? alterSetting({ ...setting, value: '********' })
    : alterSetting(setting)
}

export function isSecretSetting(name: string): boolean {
  return name.includes('.') && secretName.test(name)
}
