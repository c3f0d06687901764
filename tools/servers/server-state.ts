// What a test server has beside the contents of every new server: connected sessions, and what a file of tests has left
// behind.
import postgres from 'postgres'
import { databasesOf, quote } from './databases.ts'

export interface TestSession {
  pid: number
  /** Process IDs are reused. */
  key: string
  words: string
}

export interface ServerSetting {
  words: string
  /** The statement that undoes it, and where it has to be executed. */
  undo: string
  database: string
}

const observer = 'pgtrek tests'

export class ServerState {
  #session: postgres.Sql | undefined

  constructor(
    readonly port: number,
    /** A server that a test may stop is queried in short sessions, and only while it is up. */
    readonly isUp?: () => boolean,
  ) {}

  async sessions(): Promise<TestSession[]> {
    return await this.#ask(
      async (sql): Promise<TestSession[]> => sql`
        select pid, concat_ws(' ', pid, backend_start) as key,
               format('%s in %s of %s, %s: %s', application_name, datname, usename, state, left(query, 200)) as words
          from pg_stat_activity
         where backend_type in ('client backend', 'walsender') and application_name <> ${observer}`,
      [],
    )
  }

  async end(sessions: TestSession[]) {
    const pids = sessions.map(({ pid }) => pid)
    await this.#ask(async (sql) => {
      await sql`select pg_terminate_backend(pid) from unnest(${pids}::int[]) pid`
    }, undefined)
  }

  /** What a test changes for the whole server, and what blocks the slots of all others. */
  async settings(): Promise<ServerSetting[]> {
    return await this.#ask(
      async (sql): Promise<ServerSetting[]> => sql`
        select format('alter system set %s = %L', name, setting) as words,
               'postgres' as database, format('alter system reset %I', name) as undo
          from pg_file_settings where sourcefile like '%postgresql.auto.conf'
        union all
        select format('prepared transaction %L in %s', gid, database), database, format('rollback prepared %L', gid)
          from pg_prepared_xacts`,
      [],
    )
  }

  async undo(settings: ServerSetting[]) {
    const server = databasesOf({ host: '127.0.0.1', port: this.port })
    for (const { database, undo } of settings) await server.sql(database, undo)
    if (settings.length > 0) await server.sql('postgres', 'select pg_reload_conf()')
  }

  /** As a new server, apart from irrelevant details. */
  async isClean(): Promise<boolean> {
    const [sessions, settings] = await Promise.all([this.sessions(), this.settings()])
    const things = await this.#things()
    return sessions.length + settings.length === 0 && Object.values(things).every((number) => number === 0)
  }

  /** Makes it like a new server; throws when it cannot. */
  async reset() {
    await this.end(await this.sessions())
    await this.#ask(async (sql) => {
      const databases = databasesOf({ host: '127.0.0.1', port: this.port })
      const names = await sql`
        select datname as name from pg_database where datname not in ('postgres', 'template0', 'template1')`
      for (const { name } of names) await databases.database(name).drop()
      await sql`select pg_drop_replication_slot(slot_name) from pg_replication_slots`
      await sql`select pg_replication_origin_drop(roname) from pg_replication_origin`
      const roles = await sql`select rolname as name from pg_roles where oid >= 16384`
      for (const { name } of roles) {
        await sql.unsafe(`drop owned by ${quote(name)} cascade; drop role ${quote(name)}`)
      }
      await sql.unsafe('alter role all reset all; alter role postgres reset all')
    }, undefined)
    if (!(await this.isClean())) {
      throw new Error(`the server could not be reset: ${JSON.stringify(await this.#things())}`)
    }
  }

  async close() {
    await this.#session?.end()
    this.#session = undefined
  }

  async #things(): Promise<Record<string, number>> {
    const [row] = await this.#ask(
      async (sql): Promise<Record<string, number>[]> => sql`
        select (select count(*) from pg_database where oid >= 16384)::int as databases,
               (select count(*) from pg_roles where oid >= 16384)::int as roles,
               (select count(*) from pg_db_role_setting)::int as settings,
               (select count(*) from pg_tablespace where oid >= 16384)::int as tablespaces,
               (select count(*) from pg_replication_slots)::int as slots,
               (select count(*) from pg_replication_origin)::int as origins,
               (select count(*) from pg_class where oid >= 16384 and relpersistence <> 't')::int as tables,
               (select count(*) from pg_namespace where oid >= 16384 and nspname !~ '^pg_(toast_)?temp')::int as schemas,
               (select count(*) from pg_proc where oid >= 16384)::int as functions`,
      [],
    )
    return row ?? {}
  }

  async #ask<T>(work: (sql: postgres.Sql) => Promise<T>, whenDown: T): Promise<T> {
    if (!this.isUp) {
      this.#session ??= this.#connect()
      return await work(this.#session)
    }
    if (!this.isUp()) return whenDown
    const session = this.#connect()
    try {
      return await work(session)
    } catch {
      // The test that owns it may do anything with it, and it ends with the test.
      return whenDown
    } finally {
      await session.end()
    }
  }

  #connect(): postgres.Sql {
    return postgres({
      host: '127.0.0.1',
      port: this.port,
      database: 'postgres',
      username: 'postgres',
      password: 'postgres',
      max: 1,
      onnotice: () => {},
      connection: { application_name: observer },
    })
  }
}
