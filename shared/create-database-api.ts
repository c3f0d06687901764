// The messages of `/api/create-database`.
import { type Static, Type } from '@sinclair/typebox'
import { Conn } from './api.ts'
import { oneOf } from './one-of.ts'

const nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])

export const CreateDatabaseBody = Type.Object(
  {
    /** The database to create, with the credentials that may do it. */
    conn: Conn,
    /** The database whose encoding and locale it gets: the source. */
    like: Conn,
    /** One of the statements of an earlier answer. Without it nothing is created. */
    confirmed: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type CreateDatabaseBody = Static<typeof CreateDatabaseBody>

/** `same`: as the source. `server`: with the locale of the destination's server. `c`: by the bytes of the text. */
const localeChoices = ['same', 'server', 'c'] as const
export type LocaleChoice = (typeof localeChoices)[number]

export const DatabaseChoice = Type.Object({
  locale: oneOf(localeChoices),
  sql: Type.String({ description: 'The complete statement' }),
  /** The locale in a few words: `libc en_US.UTF-8`. */
  collation: Type.String(),
  /** Why the server would probably refuse it; null if nothing is known against it. */
  doubt: nullable(Type.String()),
})
export type DatabaseChoice = Static<typeof DatabaseChoice>

export const CreateDatabaseAnswer = Type.Object({
  database: Type.String(),
  exists: Type.Boolean({ description: 'The database is there, now that this was answered' }),
  /** This request created it; false if it existed already. */
  created: Type.Boolean(),
  encoding: Type.String({ description: 'Of the source' }),
  user: Type.String(),
  /** The user may create databases. */
  allowed: Type.Boolean(),
  /** Of the new database; null: the user who creates it. */
  owner: nullable(Type.String()),
  /** The database over which it is created. */
  via: Type.String(),
  choices: Type.Array(DatabaseChoice),
})
export type CreateDatabaseAnswer = Static<typeof CreateDatabaseAnswer>
