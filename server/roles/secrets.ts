// Password hashes, stored so that no output of an object can contain them.
import type { Session } from '../postgres/session.ts'

/** How the password of a role is stored; `unknown` if our rights do not suffice to read it. */
export type PasswordKind = 'scram-sha-256' | 'md5' | 'plain' | 'none' | 'unknown'

export class Secrets {
  readonly #hashes: ReadonlyMap<string, string | null> | undefined

  /** Without a map the hashes could not be read. */
  constructor(hashes?: ReadonlyMap<string, string | null>) {
    this.#hashes = hashes
  }

  get readable(): boolean {
    return this.#hashes !== undefined
  }

  kindOf(role: string): PasswordKind {
    if (!this.#hashes?.has(role)) return 'unknown'
    const hash = this.#hashes.get(role) ?? ''
    if (hash === '') return 'none'
    if (hash.startsWith('SCRAM-SHA-256$')) return 'scram-sha-256'
    return /^md5[0-9a-f]{32}$/.test(hash) ? 'md5' : 'plain'
  }

  hashOf(role: string): string | undefined {
    return this.#hashes?.get(role) || undefined
  }

  isSame(role: string, other: Secrets): boolean {
    return this.hashOf(role) === other.hashOf(role)
  }

  toJSON() {
    return '********'
  }
}

export async function readSecrets(session: Session): Promise<Secrets> {
  const { may } = await session.one<{ may: boolean }>(`
    select pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolname', 'select')
       and pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'select') as may`)
  if (!may) return new Secrets()
  const rows = await session.query<{ name: string; hash: string | null }>(
    'select rolname as name, rolpassword as hash from pg_catalog.pg_authid',
  )
  return new Secrets(new Map(rows.map(({ name, hash }) => [name, hash])))
}
