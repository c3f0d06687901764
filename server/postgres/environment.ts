// The connection parameters in libpq's environment variables.
// https://www.postgresql.org/docs/current/libpq-envars.html
import type { ParameterName, Parameters } from './connection-parameters.ts'

export type Environment = Record<string, string | undefined>

// Without PGAPPNAME: the sessions of a migration have one name on both servers, by which they are found.
const variables: Record<string, ParameterName> = {
  PGHOST: 'host',
  PGHOSTADDR: 'hostaddr',
  PGPORT: 'port',
  PGDATABASE: 'dbname',
  PGUSER: 'user',
  PGPASSWORD: 'password',
  PGPASSFILE: 'passfile',
  PGSERVICE: 'service',
  PGSSLMODE: 'sslmode',
  PGSSLROOTCERT: 'sslrootcert',
  PGSSLCERT: 'sslcert',
  PGSSLKEY: 'sslkey',
  PGSSLCRL: 'sslcrl',
  PGSSLCRLDIR: 'sslcrldir',
  PGSSLNEGOTIATION: 'sslnegotiation',
  PGSSLMINPROTOCOLVERSION: 'ssl_min_protocol_version',
  PGCHANNELBINDING: 'channel_binding',
  PGGSSENCMODE: 'gssencmode',
  PGREQUIREAUTH: 'require_auth',
  PGREQUIREPEER: 'requirepeer',
  PGTARGETSESSIONATTRS: 'target_session_attrs',
  PGCONNECT_TIMEOUT: 'connect_timeout',
  PGOPTIONS: 'options',
}

export function environmentParameters(environment: Environment): Parameters {
  const parameters: Parameters = new Map()
  for (const [variable, name] of Object.entries(variables)) {
    const value = environment[variable]
    if (value) parameters.set(name, { value, origin: variable })
  }
  return parameters
}
