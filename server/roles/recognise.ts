// Recognises roles that belong to the server or to a cloud provider. They are neither created nor changed.
import { say } from '../../shared/say.ts'

/** The names that a provider uses. They count only if the role that identifies the provider exists. */
interface Provider {
  name: string
  marker: RegExp
  own: RegExp
  /**
   * The administrator's role of users, who can grant it: its members may do what the provider allows of a superuser's
   * work.
   */
  admin?: string
  /** Where users change settings of the server, since ALTER SYSTEM is rejected. */
  settings: string
}

const providers: readonly Provider[] = [
  {
    name: 'Amazon RDS or Aurora',
    marker: /^rdsadmin$/,
    own: /^(rds_.*|rdsadmin|rdsrepladmin|rdstopmgr|rdsproxyadmin|rdswriteforwarduser)$/,
    admin: 'rds_superuser',
    settings: say`in the DB parameter group of the instance`,
  },
  {
    name: 'Google Cloud SQL',
    marker: /^cloudsql(admin|superuser)$/,
    own: /^cloudsql[a-z_]*$/,
    admin: 'cloudsqlsuperuser',
    settings: say`as database flags of the instance`,
  },
  {
    name: 'Google AlloyDB',
    marker: /^alloydb(admin|superuser)$/,
    own: /^alloydb[a-z_]*$/,
    admin: 'alloydbsuperuser',
    settings: say`as database flags of the instance`,
  },
  {
    name: 'Azure',
    marker: /^(azure_pg_admin|azure_superuser|azuresu)$/,
    own: /^(azure_.*|azuresu|replication)$/,
    admin: 'azure_pg_admin',
    settings: say`among the server parameters`,
  },
  {
    name: 'Supabase',
    marker: /^supabase_admin$/,
    own: /^(supabase_.*|anon|authenticated|authenticator|service_role|dashboard_user|pgbouncer|pgsodium_.*|pgtle_admin)$/,
    admin: 'postgres',
    settings: say`with "supabase postgres-config update"`,
  },
  {
    name: 'Neon',
    marker: /^neon_superuser$/,
    own: /^(neon_.*|neon|cloud_admin)$/,
    admin: 'neon_superuser',
    settings: say`in the settings of the project`,
  },
  {
    name: 'Aiven',
    marker: /^_aiven$/,
    own: /^_aiven.*$/,
    admin: 'avnadmin',
    settings: say`in the advanced configuration of the service`,
  },
  {
    name: 'DigitalOcean',
    marker: /^_dodb$/,
    own: /^(_dodb|_doadmin_.*)$/,
    admin: 'doadmin',
    settings: say`through the API of the provider`,
  },
  {
    name: 'Timescale',
    marker: /^tsdbowner$/,
    own: /^(tsdbowner|tsdbexplorer|tsdb_.*)$/,
    admin: 'tsdbadmin',
    settings: say`among the database parameters of the service`,
  },
  {
    name: 'Crunchy Bridge',
    marker: /^crunchy_superuser$/,
    own: /^(crunchy_.*|ccp_monitoring)$/,
    admin: 'postgres',
    settings: say`in the configuration parameters of the cluster`,
  },
  {
    name: 'Scaleway',
    marker: /^_rdb_superadmin$/,
    own: /^_rdb_.*$/,
    settings: say`in the advanced settings of the instance`,
  },
  {
    name: 'Yandex Cloud',
    marker: /^mdb_admin$/,
    own: /^mdb_.*$/,
    admin: 'mdb_admin',
    settings: say`in the DBMS settings of the cluster`,
  },
  {
    name: 'IBM Cloud',
    marker: /^ibm-cloud-base-user$/,
    own: /^(ibm|ibm-.*)$/,
    admin: 'admin',
    settings: say`through the API of the provider`,
  },
]

/** A server that a provider runs and on which users are not superusers. */
export interface Managed {
  /** The name of the provider. */
  name: string
  admin: string | undefined
  settings: string
  /** A role that no user can become or grant. */
  isInternal(role: string): boolean
}

/** The provider that runs the server, as its roles show. */
export function managedBy(names: Iterable<string>): Managed | undefined {
  const all = [...names]
  const provider = providers.find(({ marker }) => all.some((name) => marker.test(name)))
  if (!provider) return undefined
  const { name, own, settings } = provider
  const admin = provider.admin !== undefined && all.includes(provider.admin) ? provider.admin : undefined
  return { name, admin, settings, isInternal: (role) => own.test(role) && role !== admin }
}

export interface Foreign {
  kind: 'predefined' | 'provider' | 'initial'
  reason: string
}

/** Returns a function that gives the reason why a role does not belong to users, or undefined. */
export function recogniser(
  names: Iterable<string>,
  initialSuperuser: string,
): (name: string) => Foreign | undefined {
  const all = [...names]
  const here = providers.filter(({ marker }) => all.some((name) => marker.test(name)))
  return (name) => {
    // https://www.postgresql.org/docs/current/predefined-roles.html: the prefix is reserved.
    if (name.startsWith('pg_')) return { kind: 'predefined', reason: say`a role of PostgreSQL itself` }
    const provider = here.find(({ own }) => own.test(name))
    if (provider) return { kind: 'provider', reason: say`a role of the provider (${provider.name})` }
    if (name === initialSuperuser) {
      return { kind: 'initial', reason: say`the initial superuser of its server` }
    }
    return undefined
  }
}
