// Creates databases on a server, and queries them in short sessions, so that no connection stays open.
import postgres from 'postgres'
import { eventually } from '../eventually.ts'

export type Row = Record<string, unknown>

export type DatabaseOptions = {
  /** With an encoding other than UTF8 the database is created from template0. */
  encoding?: string
  locale?: string
  /** Needs a server of 15 or later. */
  icuLocale?: string
  template?: string
}

export type SessionOptions = {
  user?: string
  password?: string
  /** Number of connections (default: 1, so that statements share a session). */
  max?: number
  /** Server settings from the start of each session, before those of the database or the role. */
  settings?: Record<string, string>
  /**
   * The server may end the session at any moment. The driver would query the types of arrays by itself, and a failure of
   * that query would not be handled.
   */
  mayEnd?: boolean
}

export type TestDatabase = {
  name: string
  url: string
  /** The rows of the last statement. Several statements are possible only without parameters. */
  sql<T = Row>(text: string, parameters?: unknown[]): Promise<T[]>
  /** A separate client, for tests that need a session; the caller ends it. */
  connect(options?: SessionOptions): postgres.Sql
  drop(): Promise<void>
}

export type Databases = {
  url(database: string, user?: string, password?: string): string
  sql<T = Row>(database: string, text: string, parameters?: unknown[]): Promise<T[]>
  /** The database of this name, which may exist. */
  database(name: string): TestDatabase
  /** A new database (default: with a unique name). */
  createDatabase(name?: string, options?: DatabaseOptions): Promise<TestDatabase>
}

export function databasesOf(
  address: { host: string; port: number },
  onCreate: (database: TestDatabase) => void = () => {},
): Databases {
  let created = 0

  function url(name: string, user = 'postgres', password = 'postgres') {
    const [who, secret, path] = [user, password, name].map(encodeURIComponent)
    return `postgres://${who}:${secret}@${address.host}:${address.port}/${path}`
  }

  function database(name: string): TestDatabase {
    return {
      name,
      url: url(name),
      sql: (text, parameters) => sql(name, text, parameters),
      connect: (options) => connect(name, options),
      drop: () => drop(name),
    }
  }

  async function drop(name: string) {
    await asAdministrator(async (admin) => {
      const [there] = await admin`select from pg_database where datname = ${name}`
      if (!there) return
      await dropSubscriptions(name)
      // No client can reconnect while it is dropped.
      await admin.unsafe(`alter database ${quote(name)} with allow_connections false`)
      await eventually(
        `the end of all sessions in ${name}`,
        () => admin`select pid, pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`,
        (sessions) => sessions.length === 0,
      )
      await admin`
        select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = ${name}`
      await admin.unsafe(`drop database ${quote(name)}`)
    })
  }

  /** A database with subscriptions cannot be dropped; their slots on the publisher are not dropped here. */
  async function dropSubscriptions(database: string) {
    const subscriptions = await sql<{ subname: string }>(
      'postgres',
      'select subname from pg_subscription where subdbid = (select oid from pg_database where datname = $1)',
      [database],
    )
    for (const name of subscriptions.map(({ subname }) => quote(subname))) {
      await sql(database, `alter subscription ${name} disable`)
      await sql(database, `alter subscription ${name} set (slot_name = none)`)
      await sql(database, `drop subscription ${name}`)
    }
  }

  async function sql<T = Row>(name: string, text: string, parameters: unknown[] = []): Promise<T[]> {
    const client = connect(name)
    try {
      const result = await client.unsafe(text, parameters as postgres.ParameterOrJSON<never>[])
      // Several statements return a list of lists; one returns a list of rows.
      const last: unknown = result.length > 0 && Array.isArray(result[0]) ? result.at(-1) : result
      return [...(last as T[])]
    } finally {
      await client.end()
    }
  }

  async function asAdministrator(work: (admin: postgres.Sql) => Promise<void>) {
    const admin = connect('postgres')
    try {
      await work(admin)
    } finally {
      await admin.end()
    }
  }

  function connect(name: string, options: SessionOptions = {}) {
    return postgres({
      ...address,
      database: name,
      username: options.user ?? 'postgres',
      password: options.password ?? 'postgres',
      max: options.max ?? 1,
      connection: options.settings ?? {},
      fetch_types: !options.mayEnd,
      onnotice: () => {},
    })
  }

  async function createDatabase(name = `test_${++created}`, options: DatabaseOptions = {}) {
    const { encoding, locale, icuLocale } = options
    const template = options.template ?? (encoding || locale || icuLocale ? 'template0' : 'template1')
    const clauses = [
      `template ${quote(template)}`,
      encoding && `encoding ${literal(encoding)}`,
      locale && `lc_collate ${literal(locale)} lc_ctype ${literal(locale)}`,
      icuLocale && `locale_provider icu icu_locale ${literal(icuLocale)}`,
    ]
    await asAdministrator(async (admin) => {
      const [version] = await admin`select current_setting('server_version_num')::int as number`
      // These servers do not flush to the disk, so that copying the files is faster than logging their pages.
      if (version?.number >= 150_000) clauses.push('strategy file_copy')
      await admin.unsafe(`create database ${quote(name)} ${clauses.filter(Boolean).join(' ')}`)
    })
    const made = database(name)
    onCreate(made)
    return made
  }

  return { url, sql, database, createDatabase }
}

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
