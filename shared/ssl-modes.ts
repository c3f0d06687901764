// The encryption of a connection, in libpq's terms. Separate from the schemas, which copy workers do not need to
// load.

export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]
