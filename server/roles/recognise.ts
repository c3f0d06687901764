// Roles that belong to a server or to a cloud provider and not to its user: never made, never changed.

/** Names a provider uses; they count only beside the role that shows that the provider runs this server. */
interface Provider {
  name: string
  marker: RegExp
  own: RegExp
}

const providers: readonly Provider[] = [
  {
    name: 'Amazon RDS or Aurora',
    marker: /^rdsadmin$/,
    own: /^(rds_.*|rdsadmin|rdsrepladmin|rdstopmgr|rdsproxyadmin|rdswriteforwarduser)$/,
  },
  { name: 'Google Cloud SQL', marker: /^cloudsql(admin|superuser)$/, own: /^cloudsql[a-z_]*$/ },
  { name: 'Google AlloyDB', marker: /^alloydb(admin|superuser)$/, own: /^alloydb[a-z_]*$/ },
  {
    name: 'Azure',
    marker: /^(azure_pg_admin|azure_superuser|azuresu)$/,
    own: /^(azure_.*|azuresu|replication)$/,
  },
  {
    name: 'Supabase',
    marker: /^supabase_admin$/,
    own: /^(supabase_.*|anon|authenticated|authenticator|service_role|dashboard_user|pgbouncer|pgsodium_.*|pgtle_admin)$/,
  },
  { name: 'Neon', marker: /^neon_superuser$/, own: /^(neon_.*|neon|cloud_admin)$/ },
  { name: 'Aiven', marker: /^_aiven$/, own: /^_aiven.*$/ },
  { name: 'DigitalOcean', marker: /^_dodb$/, own: /^(_dodb|_doadmin_.*)$/ },
  { name: 'Timescale', marker: /^tsdbowner$/, own: /^(tsdbowner|tsdbexplorer|tsdb_.*)$/ },
  { name: 'Crunchy Bridge', marker: /^crunchy_superuser$/, own: /^(crunchy_.*|ccp_monitoring)$/ },
  { name: 'Scaleway', marker: /^_rdb_superadmin$/, own: /^_rdb_.*$/ },
  { name: 'Yandex Cloud', marker: /^mdb_admin$/, own: /^mdb_.*$/ },
  { name: 'IBM Cloud', marker: /^ibm-cloud-base-user$/, own: /^(ibm|ibm-.*)$/ },
]

/** Who runs the server, if its roles give it away. */
export function providerOf(names: Iterable<string>): string | undefined {
  const all = [...names]
  return providers.find(({ marker }) => all.some((name) => marker.test(name)))?.name
}

export interface Foreign {
  kind: 'predefined' | 'provider' | 'bootstrap'
  reason: string
}

/** A function of one server's roles: why a role is not its user's, or nothing when it is. */
export function recogniser(
  names: Iterable<string>,
  bootstrap: string,
): (name: string) => Foreign | undefined {
  const all = [...names]
  const here = providers.filter(({ marker }) => all.some((name) => marker.test(name)))
  return (name) => {
    // https://www.postgresql.org/docs/current/predefined-roles.html: the prefix is reserved.
    if (name.startsWith('pg_')) return { kind: 'predefined', reason: 'a role of PostgreSQL itself' }
    const provider = here.find(({ own }) => own.test(name))
    if (provider) return { kind: 'provider', reason: `a role of the provider (${provider.name})` }
    if (name === bootstrap) {
      return { kind: 'bootstrap', reason: 'the superuser that its server was set up with' }
    }
    return undefined
  }
}
