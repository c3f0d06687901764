// Starting a run, as the command line, the page and a fleet do.
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from '../../server/migrate/plan/types.ts'
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { confirmationOf, isConfirmed } from '../../server/runs/confirmation.ts'
import { copyAndFollow } from '../../server/runs/start-following.ts'
import { type RunOptions, startRun } from '../../server/runs/start-run.ts'
import { FollowStore } from '../../server/store/follows.ts'
import { History } from '../../server/store/history.ts'
import { RunStore } from '../../server/store/runs.ts'
import { defaultFollowOptions, defaultOptions, everything } from '../../shared/defaults.ts'
import type { MigrationEvent } from '../../shared/event.ts'
import { cluster } from '../../tools/servers/clusters.ts'
import { scratchDirectory } from '../../tools/servers/scratch.ts'

async function setUp({ rowsThere = false, dryRun = false } = {}) {
  const source = await (await cluster(15, { settings: { wal_level: 'logical' } })).createDatabase()
  const destination = await (await cluster(18, { settings: { wal_level: 'logical' } })).createDatabase()
  await source.sql('create table t (id int primary key); insert into t select generate_series(1, 50)')
  if (rowsThere) await destination.sql('create table t (id int primary key); insert into t values (-1)')
  const directory = join(scratchDirectory(), crypto.randomUUID())
  const store = new RunStore(join(directory, 'state'))
  const events: MigrationEvent[] = []
  const messages: string[] = []
  const request = {
    source: resolveSettings({ url: source.url }),
    destination: resolveSettings({ url: destination.url }),
    ...{ selection: everything, tables: [], hooks: [], options: { ...defaultOptions, dryRun } },
  }
  const options = {
    ...{ store, logDirectory: join(directory, 'logs'), confirmed: false },
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    say: (level, message) => messages.push(`${level}: ${message}`),
  } satisfies RunOptions
  const logged = () =>
    readdirSync(options.logDirectory).map((name) => readFileSync(join(options.logDirectory, name), 'utf8'))
  return {
    source,
    destination,
    store,
    history: new History(store.database),
    request,
    options,
    events,
    messages,
    logged,
  }
}

test('starts after its caller has the run, and is recorded before it is done', async () => {
  const { store, history, request, options, events, logged } = await setUp()
  using _ = store
  const run = startRun(request, options)
  expect(events).toEqual([])
  expect(history.find(run.id)?.status).toBe('running')
  expect((await run.done).status).toBe('completed')
  expect(history.find(run.id)).toMatchObject({
    status: 'completed',
    summary: { tables: [{ name: 't', rows: 50 }] },
  })
  expect(events.at(-1)?.type).toBe('finished')
  expect(run.progress.summary(Date.now()).status).toBe('completed')
  const [log = ''] = logged()
  expect(log).toContain(run.id)
  expect(log.trim().split('\n').at(-1)).toContain('finished')
})

test('destroys nothing without a confirmation of exactly that', async () => {
  const { store, destination, request, options } = await setUp({ rowsThere: true })
  using _ = store
  const refused = await startRun(request, options).done
  expect(String(refused.error)).toContain(
    '1 object of the destination would be dropped or emptied (public.t)',
  )
  const other = await startRun(request, { ...options, confirmed: 'what was shown before' }).done
  expect(String(other.error)).toContain('has changed since the plan was shown')
  const asked = await startRun(request, { ...options, confirmed: () => false }).done
  expect(String(asked.error)).toContain('Confirm with --yes')
  expect(await destination.sql('select id from t')).toEqual([{ id: -1 }])
  let shown: Plan | undefined
  const remember = (plan: Plan) => {
    shown = plan
    return false
  }
  await startRun(request, { ...options, confirmed: remember }).done
  const confirmed = confirmationOf(shown as Plan)
  expect((await startRun(request, { ...options, confirmed }).done).status).toBe('completed')
  expect(await destination.sql('select count(*)::int as n from t')).toEqual([{ n: 50 }])
})

test('a confirmation is valid for exactly what is destroyed', async () => {
  const plan = (...destroyed: Plan['destroyed']) => ({ destroyed }) as Plan
  const t = { action: 'truncate', schema: 'public', name: 't' } as const
  const u = { ...t, name: 'u' }
  const shown = confirmationOf(plan(t, u))
  expect(await isConfirmed(plan(u, t), shown)).toBe(true)
  expect(isConfirmed(plan(t), shown)).rejects.toThrow('has changed')
  expect(isConfirmed(plan(t, u, { action: 'drop', kind: 'table', name: 'v' }), shown)).rejects.toThrow(
    'has changed',
  )
  expect(isConfirmed(plan({ ...t, action: 'drop' }, u), shown)).rejects.toThrow('has changed')
})

test('a dry run is recorded only on request, and cannot be continued', async () => {
  const { store, destination, history, request, options } = await setUp({ dryRun: true })
  using _ = store
  const one = startRun(request, options)
  expect((await one.done).status).toBe('completed')
  expect(history.find(one.id)).toBeUndefined()
  const other = startRun(request, { ...options, remembersDryRuns: true })
  await other.done
  expect(history.find(other.id)?.status).toBe('completed')
  expect(store.unfinished(request)).toBeUndefined()
  expect(await destination.sql("select from pg_class where relname = 't'")).toEqual([])
})

test('without a usable directory for its log it does not start', async () => {
  const { store, history, request, options } = await setUp()
  using _ = store
  const file = join(scratchDirectory(), crypto.randomUUID())
  writeFileSync(file, '')
  expect(() => startRun(request, { ...options, logDirectory: file })).toThrow(file)
  expect(history.list({ limit: 10, offset: 0 })).toEqual([])
})

test('a move whose copy cannot start is recorded as ended, and its promise resolves', async () => {
  const { store, source, history, request, options, events, logged } = await setUp()
  using _ = store
  await source.sql('create table without_key (id int)')
  const { copy, following, done } = copyAndFollow(request, {
    ...options,
    ...{ follow: defaultFollowOptions, memory: new FollowStore(store.database), until: options.signal },
  })
  expect((await copy.done).status).toBe('failed')
  expect((await done).status).toBe('failed')
  expect(following.isRunning).toBe(false)
  expect(events.map(({ type }) => type)).toEqual(['finished'])
  expect(history.find(copy.id)?.status).toBe('failed')
  expect(logged().join()).toContain('without_key')
})

test('a move that another process works on is refused and reported as failed', async () => {
  const { store, history, request, options } = await setUp()
  using _ = store
  const memory = new FollowStore(store.database)
  store.database
    .query("insert into follow (name, host, process, changed_at) values (?, 'elsewhere', 1, ?)")
    .run('other', Date.now())
  const begin = () =>
    copyAndFollow(request, {
      ...options,
      ...{ follow: { ...defaultFollowOptions, name: 'other' }, memory, until: options.signal },
    })
  expect(begin).toThrow('is being followed by process 1 on elsewhere')
  expect(history.list({ limit: 10, offset: 0 }).map(({ status }) => status)).toEqual(['failed'])
})
