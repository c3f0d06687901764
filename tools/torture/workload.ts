// Sessions that write to a database as applications do, at random by a seed. The seed does not decide which session
// is faster.

import { CannotHappen, eventually, within } from '../eventually.ts'
import { type Random, seeded } from '../random.ts'
import type { TestDatabase } from '../servers/clusters.ts'
import { kindRow, kindTable } from './workload-types.ts'

export { workloadTypes } from './workload-types.ts'

export interface WorkloadOptions {
  seed: number
  sessions?: number
  /** Types whose binary form differs between databases: their values are sent as text. */
  exotic?: boolean
  /** TRUNCATE locks whole tables: off where sessions would only wait for each other. */
  truncates?: boolean
}

export interface Workload extends AsyncDisposable {
  /** Transactions that were committed, and those that failed or were rolled back on purpose. */
  readonly committed: number
  readonly undone: number
  /** Resolves when this many more transactions are committed; rejects when a session has failed. */
  commits(more: number): Promise<void>
  stop(): Promise<void>
  /** Stops too, without an error. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Equal on both sides, except for the order of columns and columns that the destination computes. */
export function workloadTables(side: 'source' | 'destination', exotic: boolean): string {
  const columns = ['id int primary key', 'name text not null', 'amount numeric(12, 2)', 'at timestamptz']
  const ordered = side === 'source' ? columns : columns.toReversed()
  return `
    create table item (${ordered.join(', ')}, twice numeric generated always as (amount * 2) stored);
    create table doc (id bigint generated always as identity primary key, title text, body text, extra text);
    alter table doc alter body set storage external;
    create table loose (a int, b text, c numeric, d jsonb);
    alter table loose replica identity full;
    create table pair (a int not null, b int not null, v text, unique (a, b));
    alter table pair replica identity using index pair_a_b_key;
    ${kindTable(exotic)}
    create table part (id int, region int, v text, primary key (id, region)) partition by list (region);
    create table part_1 partition of part for values in (1);
    create table part_2 partition of part for values in (2, 3);
    create table parent (id int primary key, v text);
    create table child (id int primary key, parent int references parent, v text);
    create table "odd ""name" ("a b" int primary key, "select" text);`
}

export function startWorkload(database: TestDatabase, options: WorkloadOptions): Workload {
  const counts = { committed: 0, undone: 0 }
  let stopping = false
  const writers = Array.from({ length: options.sessions ?? 4 }, (_, index) =>
    write(seeded(options.seed * 1000 + index), index),
  )
  // Thrown by `stop` and `commits`; until then the other sessions continue.
  let failure: Error | undefined
  for (const writer of writers) writer.catch((error) => (failure ??= error))

  async function write(random: Random, index: number) {
    while (!stopping) {
      const client = database.connect({ mayEnd: true })
      try {
        while (!stopping) {
          const text = transaction(random, index, options)
          try {
            await inTime(client.unsafe(text))
            if (text.endsWith('commit')) counts.committed++
            else counts.undone++
          } catch (error) {
            counts.undone++
            if (!isOrdinary(error)) throw error
            await inTime(client.unsafe('rollback'))
          }
        }
      } catch (error) {
        // The server may be down for a while; any other error is a bug of the workload.
        if (!isOutage(error)) throw error
        await Bun.sleep(50)
      } finally {
        // The end of a session of a server that is down may never come.
        await within('the end of the session', client.end({ timeout: 1 }), 3000).catch(() => {})
      }
    }
  }

  return {
    get committed() {
      return counts.committed
    },
    get undone() {
      return counts.undone
    },
    async commits(more) {
      const enough = counts.committed + more
      const look = () => {
        if (failure) throw new CannotHappen(`a writer has failed: ${failure.message}`)
        return counts.committed
      }
      await eventually(`${enough} committed transactions`, look, (committed) => committed >= enough)
    },
    async stop() {
      stopping = true
      await Promise.all(writers)
    },
    async [Symbol.asyncDispose]() {
      stopping = true
      await Promise.allSettled(writers)
    },
  }
}

function transaction(random: Random, session: number, options: WorkloadOptions): string {
  const statements = ['begin']
  const count = 1 + random.below(6)
  for (let index = 0; index < count; index++) {
    statements.push(...inSavepoint(random, 0, () => statement(random, session, options)))
  }
  statements.push(random.chance(0.07) ? 'rollback' : 'commit')
  return statements.join(';\n')
}

/** Nested too, and rolled back at every depth. */
function inSavepoint(random: Random, depth: number, make: () => string): string[] {
  if (depth > 3 || !random.chance(depth === 0 ? 0.15 : 0.5)) return [make()]
  const name = `s${depth}`
  const inner = [make(), ...inSavepoint(random, depth + 1, make)]
  return [`savepoint ${name}`, ...inner, random.chance(0.5) ? `rollback to ${name}` : `release ${name}`]
}

function statement(random: Random, session: number, { exotic, truncates = true }: WorkloadOptions): string {
  const id = () => 1 + random.below(400)
  const text = (length: number) =>
    `substr(repeat(md5('${random.below(1e6)}'), ${1 + Math.ceil(length / 32)}), 1, ${length})`
  const word = () => ["'it''s'", "E'a\\tb\\\\c\\nd'", "''", "'Grüße 🐘'", "'\\N'"][random.below(5)]
  const maybe = (sql: string) => (random.chance(0.2) ? 'null' : sql)
  const oneOf = (table: string, by: string) =>
    `ctid = (select ctid from ${table} where ${by} limit 1 for update skip locked)`
  const choices: [number, () => string][] = [
    [
      8,
      () =>
        `insert into item (id, name, amount, at) values (${id()}, ${word()}, ${maybe(`${random.below(1e6)} / 100.0`)}, now()) on conflict do nothing`,
    ],
    [8, () => `update item set amount = amount + 1, name = ${word()} where id = ${id()}`],
    [
      4,
      () =>
        `update item set id = ${id()} where id = ${id()} and not exists (select from item where id between 1 and 0)`,
    ],
    [4, () => `delete from item where id = ${id()}`],
    [
      4,
      () =>
        `insert into doc (title, body, extra) values (${word()}, ${text(200 + random.below(12000))}, ${maybe(text(9000))})`,
    ],
    [5, () => `update doc set title = ${word()} where ${oneOf('doc', `id % 7 = ${random.below(7)}`)}`],
    [
      2,
      () =>
        `update doc set body = ${text(3000)}, extra = ${maybe(text(10))} where ${oneOf('doc', `id % 5 = ${random.below(5)}`)}`,
    ],
    [2, () => `delete from doc where ${oneOf('doc', `id % 3 = ${random.below(3)}`)}`],
    [
      5,
      () =>
        `insert into loose values (${maybe(String(random.below(5)))}, ${maybe(word() ?? '')}, ${maybe(random.chance(0.5) ? '1.0' : '1.00')}, ${maybe(`'{"k": ${random.below(3)}}'`)})`,
    ],
    [
      3,
      () =>
        `update loose set a = ${maybe(String(random.below(5)))} where ${oneOf('loose', `a is not distinct from ${maybe(String(random.below(5)))}`)}`,
    ],
    [3, () => `delete from loose where ${oneOf('loose', `b is not distinct from ${maybe(word() ?? '')}`)}`],
    [
      4,
      () =>
        `insert into pair values (${random.below(30)}, ${random.below(30)}, ${word()}) on conflict do nothing`,
    ],
    [2, () => `update pair set v = ${word()} where a = ${random.below(30)}`],
    [
      2,
      () =>
        `update pair set b = b + 1000 * ${random.below(9)} where a = ${random.below(30)} and b = ${random.below(30)}`,
    ],
    [2, () => `delete from pair where b = ${random.below(30)}`],
    [4, () => kindRow(random, exotic ?? false, maybe)],
    [
      2,
      () =>
        `update kind set f8 = random() * 1e10, ia = ia || 1, b = not b where ${oneOf('kind', `id % 4 = ${random.below(4)}`)}`,
    ],
    [1, () => `delete from kind where ${oneOf('kind', `id % 6 = ${random.below(6)}`)}`],
    [4, () => `insert into part values (${id()}, ${1 + random.below(3)}, ${word()}) on conflict do nothing`],
    [
      2,
      () =>
        `update part set region = 1 + region % 3 where id = ${id()} and not exists (select from part p where p.id = part.id and p.region = 1 + part.region % 3)`,
    ],
    [2, () => `delete from part where id = ${id()}`],
    [
      3,
      () =>
        `with p as (insert into parent values (${id()}, ${word()}) on conflict (id) do update set v = excluded.v returning id) insert into child select ${id()}, id, ${word()} from p on conflict do nothing`,
    ],
    [2, () => `delete from child where id = ${id()}`],
    [
      2,
      () =>
        `insert into "odd ""name" values (${id()}, ${word()}) on conflict ("a b") do update set "select" = excluded."select"`,
    ],
    [
      1,
      () =>
        `insert into item (id, name, amount) select g, ${word()}, g from generate_series(${1000 + 2000 * session}, ${1000 + 2000 * session + 100 + random.below(1500)}) g on conflict (id) do update set amount = item.amount + 1`,
    ],
    [
      1,
      () =>
        `delete from item where id between ${1000 + 2000 * session} and ${1000 + 2000 * session + random.below(2000)}`,
    ],
  ]
  const first = 100_000 * (session + 1)
  choices.push(
    // Large enough to be sent before its commit, or to be spilled to the source's disk.
    [
      0.15,
      () =>
        `insert into item (id, name, amount) select g, ${word()}, g from generate_series(${first}, ${first + random.below(20_000)}) g on conflict (id) do update set name = ${word()}`,
    ],
    [0.15, () => `update item set amount = amount + 1 where id between ${first} and ${first + 5000}`],
    [0.3, () => `delete from item where id >= ${first} and id < ${first + 100_000}`],
    [1, () => `update item set id = id + 50000 where id between ${first} and ${first + 20}`],
    // Each iteration is a subtransaction, and every other one is rolled back.
    [
      1,
      () =>
        `do $$ begin for n in 1..${random.below(30)} loop begin insert into loose values (n, ${word()}); ` +
        `if n % 2 = 0 then raise division_by_zero; end if; exception when division_by_zero then null; end; end loop; end $$`,
    ],
    [1, () => `select pg_logical_emit_message(${random.chance(0.5)}, 'workload', ${text(100)})`],
  )
  if (truncates) {
    choices.push([0.3, () => 'truncate child, "odd ""name"'], [0.2, () => 'truncate parent cascade'])
    choices.push([0.2, () => 'truncate kind restart identity'], [0.2, () => 'truncate part'])
  }
  let at = random.number() * choices.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, make] of choices) {
    at -= weight
    if (at <= 0) return make()
  }
  return 'select 1'
}

/** When a server dies at the wrong moment, the driver may never settle a query. */
async function inTime<T>(query: Promise<T>): Promise<T> {
  let isLate = true
  const answered = query.finally(() => {
    isLate = false
  })
  try {
    return await within('the answer to a query', answered, 20_000)
  } catch (error) {
    throw isLate ? Object.assign(error as Error, { code: '08000' }) : error
  }
}

/** Expected conflicts between sessions: duplicate keys, deadlocks, references. */
function isOrdinary(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? ''
  return ['23505', '23503', '40P01', '40001', '55P03', '22003'].includes(code)
}

function isOutage(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? ''
  return code.startsWith('57') || code.startsWith('08') || /^(CONNECTION_|ECONN|EPIPE|ENOENT)/.test(code)
}
