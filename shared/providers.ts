// Providers of PostgreSQL, recognised by the host name, and what helps to connect to each. Every statement is from the
// provider's documentation.

export type ProviderId =
  | 'rds'
  | 'cloudsql'
  | 'azure'
  | 'supabase'
  | 'neon'
  | 'heroku'
  | 'digitalocean'
  | 'aiven'
  | 'crunchy'
  | 'timescale'

interface Provider {
  id: ProviderId
  name: string
  host: RegExp
  /** Customers get a superuser. */
  superuser?: true
}

const providers: readonly Provider[] = [
  { id: 'rds', name: 'Amazon RDS', host: /\.rds\.amazonaws\.com(?:\.cn)?$/ },
  { id: 'cloudsql', name: 'Cloud SQL', host: /\.sql\.goog$|^\/cloudsql\/[^/]+:[^/]+:[^/]+$/ },
  { id: 'azure', name: 'Azure', host: /\.postgres\.database\.azure\.com$/ },
  { id: 'supabase', name: 'Supabase', host: /\.pooler\.supabase\.com$|^db\.[a-z]{20}\.supabase\.co$/ },
  { id: 'neon', name: 'Neon', host: /\.neon\.tech$/ },
  { id: 'digitalocean', name: 'DigitalOcean', host: /\.db\.ondigitalocean\.com$/ },
  { id: 'aiven', name: 'Aiven', host: /\.aivencloud\.com$/ },
  { id: 'crunchy', name: 'Crunchy Bridge', host: /\.postgresbridge\.com$/, superuser: true },
  { id: 'timescale', name: 'Timescale', host: /\.tsdb\.cloud\.timescale\.com$/ },
]

export interface Place {
  host: string
  port: string
  user: string
  database: string
}

export type HintKey =
  | 'pooler'
  | 'poolerOther'
  | 'proxy'
  | 'session'
  | 'ipv6'
  | 'reader'
  | 'replicationRds'
  | 'replicationCloudsql'
  | 'replicationAzure'
  | 'replicationNeon'
  | 'replicationHeroku'
  | 'superuser'
  | 'caRds'
  | 'caAiven'

export interface Hint {
  key: HintKey
  provider: string
  /** What to connect to instead, where that is certain. */
  direct?: Partial<Place>
}

export interface HintContext {
  side: 'source' | 'destination'
  /** Changes are to be followed after the copy. */
  following: boolean
  sslMode: string
}

export function providerOf({ host, user, database }: Omit<Place, 'port'>): Provider | undefined {
  const name = host.toLowerCase()
  // Heroku has addresses of EC2; its names of users and databases are generated.
  const isHeroku = /^ec2-[\d-]+\..*amazonaws\.com$/.test(name) && /^d[a-z0-9]{12,}$/.test(database)
  if (isHeroku && /^u?[a-z0-9]{13,}$/.test(user)) return { id: 'heroku', name: 'Heroku', host: /^/ }
  return providers.find((one) => one.host.test(name))
}

const mostHints = 2

/** The most important ones first. */
export function hintsFor(place: Place, context: HintContext): Hint[] {
  const provider = providerOf(place)
  if (!provider) return []
  const keys: (Omit<Hint, 'provider'> | false | undefined)[] = [
    ...addressHints(provider.id, place, context),
    context.side === 'source' && context.following && replication[provider.id],
    context.side === 'destination' && !provider.superuser && { key: 'superuser' },
    context.sslMode !== 'verify-full' && authority[provider.id],
  ]
  const hints = keys.filter((one) => one !== false && one !== undefined)
  return hints.slice(0, mostHints).map((hint) => ({ ...hint, provider: provider.name }))
}

const replication: Partial<Record<ProviderId, { key: HintKey }>> = {
  // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.FeatureSupport.LogicalReplication.html
  rds: { key: 'replicationRds' },
  // https://cloud.google.com/sql/docs/postgres/replication/configure-logical-replication
  cloudsql: { key: 'replicationCloudsql' },
  // https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-logical
  azure: { key: 'replicationAzure' },
  // https://neon.com/docs/guides/logical-replication-neon
  neon: { key: 'replicationNeon' },
  // https://devcenter.heroku.com/articles/heroku-postgresql
  heroku: { key: 'replicationHeroku' },
}

const authority: Partial<Record<ProviderId, { key: HintKey }>> = {
  // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
  rds: { key: 'caRds' },
  // https://aiven.io/docs/platform/concepts/tls-ssl-certificates
  aiven: { key: 'caAiven' },
}

function addressHints(
  id: ProviderId,
  { host, port, user }: Place,
  { side, following }: HintContext,
): Omit<Hint, 'provider'>[] {
  const name = host.toLowerCase()
  switch (id) {
    case 'rds':
      if (/\.proxy-[a-z0-9]+\./.test(name)) return [{ key: 'proxy' }]
      return /\.cluster-ro-/.test(name) && (side === 'destination' || following) ? [{ key: 'reader' }] : []
    case 'azure':
      return port === '6432' ? [{ key: 'pooler', direct: { port: '5432' } }] : []
    case 'neon':
      // https://neon.com/docs/connect/connection-pooling
      return /^[^.]+-pooler\./.test(name)
        ? [{ key: 'pooler', direct: { host: host.replace(/^([^.]+)-pooler\./i, '$1.') } }]
        : []
    case 'supabase':
      return supabase(name, port, user, following)
    case 'crunchy':
      // https://docs.crunchybridge.com/how-to/pgbouncer
      return port === '5431' ? [{ key: 'pooler', direct: { port: '5432' } }] : []
    case 'digitalocean':
      // https://docs.digitalocean.com/products/databases/postgresql/how-to/manage-connection-pools/
      return port === '25061' ? [{ key: 'poolerOther' }] : []
    default:
      return []
  }
}

/** The shared pooler has the project in the name of the user: `postgres.<project>`. */
function supabase(name: string, port: string, user: string, following: boolean): Omit<Hint, 'provider'>[] {
  if (name.startsWith('db.')) return port === '6543' ? [{ key: 'pooler', direct: { port: '5432' } }] : []
  const [, role, project] = /^(.+)\.([a-z]{20})$/.exec(user) ?? []
  const direct =
    role === undefined || project === undefined
      ? {}
      : { direct: { host: `db.${project}.supabase.co`, port: '5432', user: role } }
  if (port === '6543') return [{ key: 'pooler', ...direct }, { key: 'ipv6' }]
  return following ? [{ key: 'session', ...direct }, { key: 'ipv6' }] : [{ key: 'session', ...direct }]
}
