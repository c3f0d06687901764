// Continues a past migration: as it was, or after repairing what made it fail.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { type PastMigrationDetails, RetryBody, Started } from '../../shared/api.ts'
import { groupByCause } from '../../shared/failure-causes.ts'
import { RepairBody, type RepairCause, Repairs, RepairsBody } from '../../shared/repair-api.ts'
import type { MigrationRequest } from '../../shared/request.ts'
import { say } from '../../shared/say.ts'
import { objectsNamed } from '../compare/apply-changes.ts'
import { RunLock } from '../coordination/run-lock.ts'
import { planOnly } from '../migrate/migrate.ts'
import { applyRepairs } from '../migrate/repair/apply.ts'
import { choicesFor } from '../migrate/repair/choices.ts'
import { readRepairFacts } from '../migrate/repair/facts.ts'
import type { RunRequest } from '../migrate/request.ts'
import { Session } from '../postgres/session.ts'
import { describeSettings } from '../postgres/settings.ts'
import { NoMemory } from '../store/run-memory.ts'
import { tell } from '../system/output.ts'
import { ApiFailure } from './errors.ts'
import type { JobRequest } from './job.ts'
import { jobRequest } from './job-request.ts'
import { planAnswer } from './plan-answer.ts'
import { failures } from './responses.ts'
import type { Services } from './services.ts'

const params = Type.Object({ id: Type.String() })
const tags = ['migration']

export function retryRoutes(services: Services) {
  const { jobs, history } = services
  return new Elysia()
    .post(
      '/api/migrations/:id/retry',
      async ({ body, params: { id } }) => {
        const request = await retryOf(history.find(id), id, body, services)
        return { ok: true as const, id: jobs.start(request) }
      },
      {
        body: RetryBody,
        params,
        response: { 200: Started, ...failures },
        detail: {
          summary: 'Continue a past migration: steps that failed or were not reached run again',
          tags,
        },
      },
    )
    .post(
      '/api/migrations/:id/repairs',
      async ({ body, params: { id }, request, server }) => {
        server?.timeout(request, 0)
        const { chosen, ...ends } = body
        const past = history.find(id)
        const retry = await retryOf(past, id, ends, services)
        const causes = await readCauses(past, retry, request.signal)
        if (!chosen) return { causes }
        const { run } = repaired(retry, chosenOf(chosen, causes))
        const plan = await planOnly({
          ...run,
          run: 'plan',
          memory: new NoMemory(services.store.unfinished(run)),
          signal: request.signal,
        })
        const { destroyed, confirmation } = planAnswer(plan)
        return { causes, destroyed, confirmation }
      },
      {
        body: RepairsBody,
        params,
        response: { 200: Repairs, ...failures },
        detail: {
          summary: 'The causes of its failures, and what can be done about each; nothing is changed',
          tags,
        },
      },
    )
    .post(
      '/api/migrations/:id/repair',
      async ({ body: { repairs, ...body }, params: { id }, request, server }) => {
        server?.timeout(request, 0)
        const past = history.find(id)
        const retry = await retryOf(past, id, body, services)
        if (jobs.isBusy) throw new ApiFailure('busy', say`a migration is running: wait for it, or cancel it`)
        const chosen = await applied(repairs, past, retry, request.signal)
        try {
          return { ok: true as const, id: jobs.start(repaired(retry, chosen)) }
        } catch (error) {
          if (!(error instanceof ApiFailure) || chosen.sql.length === 0) throw error
          throw new ApiFailure(
            'busy',
            say`the statements have been run on the destination, but the retry was not started, because another run has started meanwhile: retry this run when that one has ended`,
          )
        }
      },
      {
        body: RepairBody,
        params,
        response: { 200: Started, ...failures },
        detail: {
          summary: 'Run the shown statements on the destination, then continue the migration',
          tags,
        },
      },
    )
}

/** The request of a past run again, with its connections. */
async function retryOf(
  past: PastMigrationDetails | undefined,
  id: string,
  body: RetryBody,
  services: Services,
): Promise<JobRequest> {
  if (!past) throw new ApiFailure('not_found', say`no migration has the id "${id}"`)
  if (past.status === 'running') throw new ApiFailure('busy', say`migration ${past.id} is running`)
  if (past.dry_run)
    throw new ApiFailure('usage', say`migration ${past.id} was a dry run: there is nothing to continue`)
  if (past.status === 'completed')
    throw new ApiFailure('usage', say`migration ${past.id} is complete: nothing is left to do`)
  if (!past.request)
    throw new ApiFailure(
      'usage',
      say`migration ${past.id} was not started by this server: its request is unknown`,
    )
  // It was valid when it was stored.
  const { selection, tables, hooks, options } = past.request as MigrationRequest
  const again = { ...body, selection, tables, hooks, options: { ...options, resume: true } }
  const request = await jobRequest(again, services)
  refuseOtherEnds(past, request)
  return { ...request, shown: { ...(request.shown as object), retry_of: past.id } }
}

function refuseOtherEnds(past: { source: string; destination: string }, request: JobRequest) {
  for (const side of ['source', 'destination'] as const) {
    const given = describeSettings(request.run[side])
    if (given !== past[side]) {
      throw new ApiFailure('usage', say`the ${side} was ${past[side]}, but ${given} was given`, `/${side}`)
    }
  }
}

/** One session on each server. That on the source can only read. */
class Sessions implements AsyncDisposable {
  private constructor(
    readonly source: Session,
    readonly destination: Session,
    readonly stack: AsyncDisposableStack,
  ) {}

  static async open(run: RunRequest, until: AbortSignal): Promise<Sessions> {
    await using stack = new AsyncDisposableStack()
    const source = stack.use(await Session.open(run.source, { until }))
    const destination = stack.use(await Session.open(run.destination, { until }))
    // With an empty search_path types are named in full.
    await source.execute("begin read only; set local search_path = ''")
    await destination.execute("set search_path = ''")
    return new Sessions(source, destination, stack.move())
  }

  async [Symbol.asyncDispose]() {
    await this.stack.disposeAsync()
  }
}

async function readCauses(past: PastMigrationDetails | undefined, { run }: JobRequest, until: AbortSignal) {
  await using sessions = await Sessions.open(run, until)
  return await causesOf(past, sessions)
}

async function causesOf(past: PastMigrationDetails | undefined, sessions: Sessions): Promise<RepairCause[]> {
  const causes = groupByCause(past?.summary?.failed ?? [])
  if (causes.length === 0) return []
  const facts = await readRepairFacts(causes, sessions)
  return causes.map((cause) => ({
    ...{ key: cause.key, error: cause.error, kind: cause.kind, count: cause.failures.length },
    choices: choicesFor(cause, facts),
  }))
}

/** Runs the statements while no other run of pgtrek works on what they name. */
async function applied(
  repairs: RepairBody['repairs'],
  past: PastMigrationDetails | undefined,
  { run }: JobRequest,
  signal: AbortSignal,
): Promise<Chosen> {
  await using sessions = await Sessions.open(run, signal)
  // The statements are one short transaction: a lock that is lost in it cannot be asked for again in time.
  const options = { what: 'repair', signal, onLost: () => {}, say: tell }
  await using lock = await RunLock.open(run.destination, options)
  await lock.beginPlanning(signal)
  const chosen = chosenOf(repairs, await causesOf(past, sessions))
  await lock.take(objectsNamed(chosen.sql))
  await lock.endPlanning()
  await applyRepairs(sessions.destination, chosen.sql)
  return chosen
}

interface Chosen {
  sql: string[]
  leaveOut: { schema: string; name: string }[]
}

/** Only what was shown is run: the databases may have changed since. */
function chosenOf(
  repairs: readonly (Omit<RepairBody['repairs'][number], 'sql'> & { sql?: string[] })[],
  causes: readonly RepairCause[],
): Chosen {
  const chosen: Chosen = { sql: [], leaveOut: [] }
  for (const [index, { cause, kind, sql }] of repairs.entries()) {
    const choice = causes.find(({ key }) => key === cause)?.choices.find((one) => one.kind === kind)
    if (!choice || JSON.stringify(choice.sql) !== JSON.stringify(sql ?? choice.sql)) {
      throw new ApiFailure(
        'not_now',
        say`this repair is not the one that was shown any more: the databases have changed. Nothing was changed by pgtrek. Look at the choices again`,
        `/repairs/${index}`,
      )
    }
    chosen.sql.push(...choice.sql)
    if (kind === 'leave out') chosen.leaveOut.push(...(choice.tables ?? []))
  }
  return { ...chosen, sql: [...new Set(chosen.sql)] }
}

function repaired(retry: JobRequest, { sql, leaveOut }: Chosen): JobRequest {
  return {
    ...retry,
    run: { ...retry.run, repairs: { leaveOut } },
    shown: { ...(retry.shown as object), repairs: { sql, leave_out: leaveOut } },
    notes: sql.map((statement) => `run on the destination before this run, as confirmed: ${statement}`),
  }
}
