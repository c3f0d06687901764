// Hints for providers: by the host alone, and a direct address only where it is certain.
import { expect, test } from 'bun:test'
import { type HintContext, hintsFor, type Place, providerOf } from '../../shared/providers.ts'

const place = (host: string, port = '', user = 'jo', database = 'shop'): Place => ({
  host,
  port,
  user,
  database,
})
const source: HintContext = { side: 'source', following: false, sslMode: 'verify-full' }
const following: HintContext = { ...source, following: true }
const project = 'abcdefghijklmnopqrst'

test.each([
  ['shop.abc.eu-west-1.rds.amazonaws.com', 'rds'],
  ['shop.cluster-abc.cn-north-1.rds.amazonaws.com.cn', 'rds'],
  ['/cloudsql/project:region:shop', 'cloudsql'],
  ['SHOP.postgres.database.azure.com', 'azure'],
  [`db.${project}.supabase.co`, 'supabase'],
  ['aws-0-eu-west-1.pooler.supabase.com', 'supabase'],
  ['ep-x-1.eu-central-1.aws.neon.tech', 'neon'],
  ['x.b.db.ondigitalocean.com', 'digitalocean'],
  ['x.aivencloud.com', 'aiven'],
  ['p.abc.db.postgresbridge.com', 'crunchy'],
  ['x.y.tsdb.cloud.timescale.com', 'timescale'],
  ['db.example', undefined],
  ['neon.tech.example', undefined],
  ['ec2-1-2-3-4.compute-1.amazonaws.com', undefined],
  ['', undefined],
] as const)('%s: %s', (host, id) => {
  expect(providerOf(place(host))?.id).toBe(id)
})

test('Heroku has hosts of EC2: its generated names tell it apart', () => {
  const host = 'ec2-1-2-3-4.eu-west-1.compute.amazonaws.com'
  expect(providerOf(place(host, '5432', 'u1a2b3c4d5e6f7g', 'd1a2b3c4d5e6f7'))?.id).toBe('heroku')
})

test.each([
  [place('ep-x-1-pooler.eu.aws.neon.tech'), source, ['pooler'], { host: 'ep-x-1.eu.aws.neon.tech' }],
  [place('x.postgres.database.azure.com', '6432'), source, ['pooler'], { port: '5432' }],
  [place('p.x.db.postgresbridge.com', '5431'), source, ['pooler'], { port: '5432' }],
  [place(`db.${project}.supabase.co`, '6543'), source, ['pooler'], { port: '5432' }],
  [
    place('aws-0-x.pooler.supabase.com', '6543', `postgres.${project}`),
    source,
    ['pooler', 'ipv6'],
    { host: `db.${project}.supabase.co`, port: '5432', user: 'postgres' },
  ],
  // Without the project there is no certain address.
  [place('aws-0-x.pooler.supabase.com', '6543'), source, ['pooler', 'ipv6'], undefined],
  [place('aws-0-x.pooler.supabase.com', '5432'), source, ['session'], undefined],
  [place('x.b.db.ondigitalocean.com', '25061'), source, ['poolerOther'], undefined],
  [place('x.proxy-abc.eu-west-1.rds.amazonaws.com'), source, ['proxy'], undefined],
  [place('x.cluster-ro-abc.eu-west-1.rds.amazonaws.com'), source, [], undefined],
  [place('x.cluster-ro-abc.eu-west-1.rds.amazonaws.com'), following, ['reader', 'replicationRds'], undefined],
  [place('x.abc.eu-west-1.rds.amazonaws.com'), { ...source, sslMode: '' }, ['caRds'], undefined],
  [place('x.postgres.database.azure.com'), following, ['replicationAzure'], undefined],
  [place('ep-x-1.eu.aws.neon.tech'), { ...source, side: 'destination' as const }, ['superuser'], undefined],
  [place('p.x.db.postgresbridge.com'), { ...source, side: 'destination' as const }, [], undefined],
  [place('db.example', '6543'), following, [], undefined],
] as const)('%j %j', (at, context, keys, direct) => {
  const hints = hintsFor(at, context)
  expect(hints.map(({ key }) => key) as readonly string[]).toEqual(keys)
  expect(hints[0]?.direct).toEqual(direct)
})
