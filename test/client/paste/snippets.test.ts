// What people have at hand of a connection: lines of terminals, settings of programs, pages of providers.
import { expect, test } from 'bun:test'
import type { Fields } from '../../../client/state/connection-url.ts'
import type { Pasted } from '../../../client/state/paste/pasted.ts'
import { readPasted } from '../../../client/state/paste/read.ts'

type Expected = Partial<Fields> & {
  extra?: [string, string][]
  unused?: string[]
  unfilled?: string[]
  name?: string
}

function found(text: string): Pasted[] {
  const answer = readPasted(text)
  if ('problem' in answer) throw new Error(JSON.stringify(answer.problem))
  return answer.found
}

function shown({ end, name, unused, unfilled }: Pasted): Expected {
  const fields = Object.entries(end.fields).filter(([, value]) => value !== '')
  return {
    ...Object.fromEntries(fields),
    ...(end.extra.length > 0 && { extra: end.extra }),
    ...(unused.length > 0 && { unused }),
    ...(unfilled.length > 0 && { unfilled }),
    ...(name !== '' && { name }),
  }
}

const shop = { host: 'db', port: '5433', database: 'shop', user: 'jo', password: 's3cret' }
const noPort = { host: 'db', database: 'shop', user: 'jo', password: 's3cret' }

const single: [string, string, Expected][] = [
  ['a URL', 'postgres://jo:s3cret@db:5433/shop', shop],
  ['a URL in quotes', '"postgresql://jo:s3cret@db:5433/shop";', shop],
  ['an encoded password', 'postgres://jo:p%40%3A%2F@db/shop', { ...noPort, password: 'p@:/' }],
  [
    'an IPv6 address',
    'postgres://jo@[::1]:5433/shop',
    { host: '::1', port: '5433', database: 'shop', user: 'jo' },
  ],
  [
    'a socket',
    'postgresql:///shop?host=/var/run/postgresql',
    { host: '/var/run/postgresql', database: 'shop' },
  ],
  ['an encoded socket', 'postgresql://%2Ftmp/shop', { host: '/tmp', database: 'shop' }],
  [
    'a URL with what pgtrek does not support',
    'postgres://jo:s3cret@db:5433/shop?sslmode=require&channel_binding=require&keepalives=1&pgbouncer=true',
    { ...shop, sslMode: 'require', extra: [['keepalives', '1']], unused: ['channel_binding', 'pgbouncer'] },
  ],
  ['psql with a URL', 'psql "postgresql://jo:s3cret@db:5433/shop"', shop],
  [
    'psql with key=value',
    `psql "host=db port=5433 dbname=shop user=jo password='s3 cret'"`,
    { ...shop, password: 's3 cret' },
  ],
  ['psql with options', '$ PGPASSWORD=s3cret psql -h db -p 5433 -U jo -d shop', shop],
  ['psql with arguments', 'psql --host=db --port 5433 -w shop jo', { ...shop, password: '' }],
  [
    'pg_dump over several lines',
    `export PGPASSWORD='s3cret'\npg_dump \\\n  -hdb -p5433 -Ujo -Fc --no-owner \\\n  -n app shop > shop.dump`,
    { ...shop, unused: ['-F', '--no-owner', '-n'] },
  ],
  ['a command on Windows', '"C:/bin/psql.exe" -h db -p 5433 -U jo shop', { ...shop, password: '' }],
  ['libpq key=value', "host=db port = 5433 dbname=shop user=jo password='s3cret'", shop],
  [
    'escapes of libpq',
    String.raw`host=db user=jo password='it\'s \\ x'`,
    { host: 'db', user: 'jo', password: String.raw`it's \ x` },
  ],
  [
    'a service file',
    '[shop]\nhost=db\nport=5433\ndbname=shop\nuser=jo\npassword=s3cret',
    { ...shop, name: 'shop' },
  ],
  ['a line of .pgpass', String.raw`db:5433:shop:jo:s3\:cret`, { ...shop, password: 's3:cret' }],
  [
    'variables',
    'PGHOST=db\nPGPORT=5433\nPGUSER=jo\nPGPASSWORD="s3cret"\nPGDATABASE=shop\nPGSSLMODE=require',
    { ...shop, sslMode: 'require' },
  ],
  [
    'variables in one line',
    'export PGHOST=db PGPORT=5433; export PGUSER=jo PGPASSWORD=s3cret PGDATABASE=shop',
    shop,
  ],
  [
    'variables of PowerShell',
    '$env:PGHOST = "db"\n$env:PGUSER = "jo"\n$env:PGDATABASE="shop"\n$env:PGPASSWORD=\'s3cret\'',
    noPort,
  ],
  [
    'variables of a Dockerfile',
    'ENV PGHOST=db\nENV PGUSER=jo\nENV PGDATABASE=shop\nENV PGPASSWORD=s3cret',
    noPort,
  ],
  [
    'a .env of Laravel',
    'APP_NAME=Shop\nDB_CONNECTION=pgsql\nDB_HOST=db\nDB_PORT=5433\nDB_DATABASE=shop\nDB_USERNAME=jo\nDB_PASSWORD=s3cret # secret\nMAIL_HOST=m\nMAIL_USERNAME=u\nREDIS_HOST=r',
    { ...shop, name: 'DB', unused: ['APP_NAME'] },
  ],
  [
    'a .env of Prisma',
    'DATABASE_URL="postgresql://jo:s3cret@db:5433/shop?schema=public"',
    { ...shop, name: 'DATABASE_URL', unused: ['schema'] },
  ],
  [
    'JDBC',
    'jdbc:postgresql://db:5433/shop?user=jo&password=s3cret&currentSchema=app',
    { ...shop, unused: ['currentSchema'] },
  ],
  [
    'JDBC with ssl',
    'jdbc:postgresql://db/shop?ssl=true',
    { host: 'db', database: 'shop', sslMode: 'verify-full' },
  ],
  [
    'properties of Spring',
    'spring.datasource.url=jdbc:postgresql://db:5433/shop\nspring.datasource.username=jo\nspring.datasource.password=s3cret',
    { ...shop, name: 'spring.datasource.url' },
  ],
  [
    'YAML of Spring',
    'spring:\n  datasource:\n    url: jdbc:postgresql://db:5433/shop\n    username: jo\n    password: s3cret',
    { ...shop, name: 'url' },
  ],
  [
    '.NET',
    'Host=db;Port=5433;Username=jo;Password="s3;""cret";Database=shop;SSL Mode=VerifyFull;Trust Server Certificate=true',
    { ...shop, password: 's3;"cret', sslMode: 'verify-full', unused: ['Trust Server Certificate'] },
  ],
  [
    'appsettings.json',
    '{ "ConnectionStrings": { "Shop": "Host=db;Port=5433;Username=jo;Password=s3cret;Database=shop" } }',
    { ...shop, name: 'Shop' },
  ],
  ['SQLAlchemy', 'postgresql+psycopg2://jo:s3cret@db:5433/shop', shop],
  [
    'a call of SQLAlchemy',
    'engine = create_engine("postgresql+asyncpg://jo:s3cret@db:5433/shop", echo=True)',
    shop,
  ],
  [
    'psycopg',
    'conn = psycopg.connect(host="db", port=5433, dbname="shop", user="jo", password="s3cret")',
    shop,
  ],
  [
    'node-postgres',
    "new Pool({ user: 'jo', host: 'db', database: 'shop', password: 's3,cret', port: 5433, ssl: true })",
    { ...shop, password: 's3,cret', sslMode: 'require' },
  ],
  [
    'Django',
    `DATABASES = {\n  'default': {\n    'ENGINE': 'django.db.backends.postgresql',\n    'NAME': 'shop',\n    'USER': 'jo',\n    'PASSWORD': 's3cret',\n    'HOST': 'db',\n    'PORT': '5433',\n    'OPTIONS': {'sslmode': 'require'},\n  }\n}`,
    { ...shop, sslMode: 'require', name: 'default' },
  ],
  [
    'Compose',
    'services:\n  app:\n    environment:\n      - PGHOST=db\n      - PGPORT=5433\n      - PGUSER=jo\n      - PGPASSWORD=s3cret\n      - PGDATABASE=shop',
    { ...shop, name: 'app' },
  ],
  [
    'Compose with the variables of the image',
    'services:\n  db:\n    environment:\n      POSTGRES_USER: jo\n      POSTGRES_PASSWORD: "s3cret"\n      POSTGRES_DB: shop',
    { database: 'shop', user: 'jo', password: 's3cret', name: 'POSTGRES' },
  ],
  [
    'Kubernetes',
    'env:\n  - name: DB_HOST\n    value: db\n  - name: DB_NAME\n    value: "shop"\n  - name: DB_USER\n    value: jo\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: db\n        key: password',
    { host: 'db', database: 'shop', user: 'jo', name: 'DB', unfilled: ['password'] },
  ],
  [
    'a secret of Kubernetes',
    'kind: Secret\ndata:\n  PGHOST: ZGI=\n  PGUSER: am8=\n  PGPASSWORD: czNjcmV0\n  PGDATABASE: c2hvcA==',
    { host: 'db', user: 'jo', database: 'shop', password: 's3cret', unused: ['kind'] },
  ],
  [
    'a secret of AWS',
    '{"username":"jo","password":"s3{cret","engine":"postgres","host":"db","port":5433,"dbname":"shop"}',
    { ...shop, password: 's3{cret' },
  ],
  [
    'the console of RDS',
    'Endpoint\nshop.abc.eu-west-1.rds.amazonaws.com\nPort\n5432',
    { host: 'shop.abc.eu-west-1.rds.amazonaws.com', port: '5432' },
  ],
  [
    'Supabase',
    'postgresql://postgres:[YOUR-PASSWORD]@db.abcdefghijklmnopqrst.supabase.co:5432/postgres',
    {
      host: 'db.abcdefghijklmnopqrst.supabase.co',
      port: '5432',
      database: 'postgres',
      user: 'postgres',
      unfilled: ['password'],
    },
  ],
  [
    'Neon',
    "psql 'postgresql://jo:s3cret@ep-x-1-pooler.eu-central-1.aws.neon.tech/shop?sslmode=require&channel_binding=require'",
    {
      host: 'ep-x-1-pooler.eu-central-1.aws.neon.tech',
      database: 'shop',
      user: 'jo',
      password: 's3cret',
      sslMode: 'require',
      unused: ['channel_binding'],
    },
  ],
  [
    'Azure',
    'Server=x.postgres.database.azure.com;Database={your_database};Port=5432;User Id=jo;Password={your_password};Ssl Mode=Require;',
    {
      host: 'x.postgres.database.azure.com',
      port: '5432',
      user: 'jo',
      sslMode: 'require',
      unfilled: ['database', 'password'],
    },
  ],
  [
    'Heroku',
    '=== shop Config Vars\nDATABASE_URL: postgres://jo:s3cret@db:5433/shop',
    { ...shop, name: 'DATABASE_URL' },
  ],
  [
    'Render',
    'PGPASSWORD=s3cret psql -h dpg-x-a.frankfurt-postgres.render.com -U jo shop',
    { host: 'dpg-x-a.frankfurt-postgres.render.com', user: 'jo', database: 'shop', password: 's3cret' },
  ],
  [
    'Cloud SQL',
    'psql "host=/cloudsql/project:region:shop dbname=shop user=jo"',
    { host: '/cloudsql/project:region:shop', database: 'shop', user: 'jo' },
  ],
  [
    'DigitalOcean',
    'username = doadmin\npassword = ************\nhost = x.b.db.ondigitalocean.com\nport = 25060\ndatabase = defaultdb\nsslmode = require',
    {
      host: 'x.b.db.ondigitalocean.com',
      port: '25060',
      database: 'defaultdb',
      user: 'doadmin',
      sslMode: 'require',
      unfilled: ['password'],
    },
  ],
]

test.each(single)('%s', (_, text, expected) => {
  const { password, ...rest } = expected
  expect(found(text).map(shown)).toEqual([{ ...rest, ...(password ? { password } : {}) }])
})

const several: [string, string, Expected[]][] = [
  [
    'several hosts',
    'postgresql://jo:s3cret@a:5432,b:5433/shop',
    [
      { name: 'a:5432', host: 'a', port: '5432', database: 'shop', user: 'jo', password: 's3cret' },
      { name: 'b:5433', host: 'b', port: '5433', database: 'shop', user: 'jo', password: 's3cret' },
    ],
  ],
  [
    'several variables',
    'DATABASE_URL=postgres://jo@pool/shop\nDIRECT_URL=postgres://jo@direct/shop',
    [
      { name: 'DATABASE_URL', host: 'pool', database: 'shop', user: 'jo' },
      { name: 'DIRECT_URL', host: 'direct', database: 'shop', user: 'jo' },
    ],
  ],
  [
    'the environments of Rails',
    'default: &default\n  adapter: postgresql\n  host: db\n  username: jo\n  password: <%= ENV["DB_PASSWORD"] %>\ndevelopment:\n  <<: *default\n  database: shop_dev\nproduction:\n  <<: *default\n  database: shop',
    [
      { name: 'development', host: 'db', database: 'shop_dev', user: 'jo', unfilled: ['password'] },
      { name: 'production', host: 'db', database: 'shop', user: 'jo', unfilled: ['password'] },
    ],
  ],
  [
    'both ends of a pipe',
    'pg_dump -h old -U jo shop | psql -h new -U jo shop',
    [
      { host: 'old', database: 'shop', user: 'jo' },
      { host: 'new', database: 'shop', user: 'jo' },
    ],
  ],
]

test.each(several)('%s are all found, for the user to choose', (_, text, expected) => {
  expect(found(text).map(shown)).toEqual(expected)
})

test('the same connection in several spellings counts once', () => {
  const text =
    'DATABASE_URL=postgres://jo:s3cret@db:5432/shop\nPGHOST=db\nPGUSER=jo\nPGPASSWORD=s3cret\nPGDATABASE=shop'
  expect(found(text)).toHaveLength(1)
})

test.each([
  ['mysql://jo@db/shop', { scheme: 'mysql' }],
  ['jdbc:sqlserver://db:1433;databaseName=shop', { scheme: 'jdbc:sqlserver' }],
  ['DB_CONNECTION=mysql\nDB_HOST=db\nDB_DATABASE=shop', 'nothing'],
  ['what is this', 'nothing'],
  ['', 'nothing'],
  ['postgres://a@b@c/d', 'at'],
  ['postgres://a:50%@c/d', 'percent'],
] as const)('%j is no connection: %j', (text, problem) => {
  expect(readPasted(text)).toEqual({ problem })
})
