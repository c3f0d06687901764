// Saved requests by name. A password is stored only on request, encrypted, and never returned. It can only be used
// for the connection that it was saved for.

import type { Profile, ProfileBody, ProfileRequest } from '../../shared/api.ts'
import type { Connection } from '../../shared/connection.ts'
import { type Side, sides } from '../../shared/constants.ts'
import { messageOf } from '../../shared/message-of.ts'
import { withoutPassword } from '../postgres/without-password.ts'
import type { Seal, Sealed } from './seal.ts'
import { type StateDatabase, StateUnusable } from './state-database.ts'

type Passwords = Partial<Record<Side, Sealed>>

interface Row {
  name: string
  request: string
  passwords: string
  updated_at: string
}

export interface KeptConnection {
  connection: Connection
  password: string | undefined
}

export class Profiles {
  constructor(
    readonly database: StateDatabase,
    readonly seal: Seal,
  ) {
    database.define(`
      create table if not exists profile (
        name       text primary key,
        request    text not null,
        passwords  text not null,
        updated_at text not null
      ) strict`)
  }

  list(): Profile[] {
    return this.database.query<Row, []>('select * from profile order by name').all().map(shown)
  }

  find(name: string): Profile | undefined {
    const row = this.#row(name)
    return row && shown(row)
  }

  async put(name: string, { request, passwords: keep = false }: ProfileBody): Promise<Profile> {
    const before = this.#row(name)
    const old: Passwords = before ? JSON.parse(before.passwords) : {}
    const oldRequest: ProfileRequest | undefined = before && JSON.parse(before.request)
    const stored: ProfileRequest = { ...request }
    const passwords: Passwords = {}
    for (const side of sides) {
      const { connection, password } = withoutPassword(request[side])
      stored[side] = connection
      const kept = old[side]
      if (!keep) continue
      if (password !== undefined)
        passwords[side] = await this.#close(`${name} ${side}`, password, bond(name, side, connection))
      else if (kept && Bun.deepEquals(oldRequest?.[side], connection)) passwords[side] = kept
    }
    this.database.certainly(() =>
      this.database
        .query(
          `insert or replace into profile (name, request, passwords, updated_at)
           values (?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))`,
        )
        .run(name, JSON.stringify(stored), JSON.stringify(passwords)),
    )
    await this.#forget(sides.filter((side) => !passwords[side]).flatMap((side) => old[side] ?? []))
    return shown(this.#row(name) as Row)
  }

  async delete(name: string): Promise<boolean> {
    const row = this.#row(name)
    if (!row) return false
    this.database.certainly(() => this.database.query('delete from profile where name = ?').run(name))
    await this.#forget(Object.values(JSON.parse(row.passwords) as Passwords))
    return true
  }

  /** For connecting only. It must not be part of an answer. */
  async connection(name: string, side: Side): Promise<KeptConnection | undefined> {
    const row = this.#row(name)
    if (!row) return undefined
    const connection = (JSON.parse(row.request) as ProfileRequest)[side]
    const sealed = (JSON.parse(row.passwords) as Passwords)[side]
    return { connection, password: sealed && (await this.seal.open(sealed, bond(name, side, connection))) }
  }

  /** Without a keychain, the key is in a file beside the store. */
  async #close(name: string, password: string, boundTo: string): Promise<Sealed> {
    try {
      return await this.seal.close(name, password, boundTo)
    } catch (error) {
      if ((error as { syscall?: string }).syscall === undefined) throw error
      const { directory } = this.database
      throw new StateUnusable(
        `the state directory ${directory} cannot be used: ${messageOf(error)}; the profile was not saved`,
      )
    }
  }

  #row(name: string): Row | undefined {
    return this.database.query<Row, [string]>('select * from profile where name = ?').get(name) ?? undefined
  }

  async #forget(sealed: readonly Sealed[]) {
    for (const one of sealed) await this.seal.forget(one)
  }
}

function bond(name: string, side: Side, connection: Connection): string {
  return JSON.stringify([name, side, connection])
}

function shown({ name, request, passwords, updated_at }: Row): Profile {
  const sealed = JSON.parse(passwords) as Passwords
  const kept = { source: sealed.source !== undefined, destination: sealed.destination !== undefined }
  return {
    name,
    request: JSON.parse(request),
    passwords: kept.source || kept.destination,
    kept,
    updated_at,
  }
}
