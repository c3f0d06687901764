// How a user specifies a database: a URL, or its fields. The environment provides what is left out.
import { type Static, Type } from '@sinclair/typebox'
import { oneOf } from './one-of.ts'
import { sslModes } from './ssl-modes.ts'

const SslMode = oneOf(sslModes)
const text = Type.Optional(Type.String())

export const ConnectionFields = Type.Object(
  {
    /** A host name, an address, or a directory with a Unix socket. */
    host: text,
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
    database: text,
    user: text,
    password: text,
    sslMode: Type.Optional(SslMode),
    sslRootCert: text,
    sslCert: text,
    sslKey: text,
    /** Seconds; 0: no limit. */
    connectTimeout: Type.Optional(Type.Number({ minimum: 0 })),
    /** Server settings at login, as in libpq's `options`: `-c name=value`. */
    options: text,
    applicationName: text,
  },
  { additionalProperties: false },
)
export type ConnectionFields = Static<typeof ConnectionFields>

export const Connection = Type.Union([
  Type.Object({ url: Type.String() }, { additionalProperties: false }),
  ConnectionFields,
])
export type Connection = Static<typeof Connection>
