// How a connection is encrypted, in libpq's words. Apart from the schemas: each copy worker loads this, and has no
// use for those.

export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]
