// `/api/follow` and `/api/switchover`: moves without downtime.

import { type TSchema, Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { defaultFollowOptions, defaultSwitchoverOptions } from '../../shared/defaults.ts'
import {
  ActionAnswer,
  ActionBody,
  CleanupAnswer,
  CleanupBody,
  ContinueBody,
  DecisionBody,
  FollowBody,
  FollowList,
  FollowStarted,
  RecopyBody,
  SwitchoverBody,
} from '../../shared/follow-api.ts'
import { FollowView } from '../../shared/follow-view.ts'
import { MoveOnServers } from '../../shared/move-state.ts'
import { say } from '../../shared/say.ts'
import { readMove } from '../follow/move-state.ts'
import type { FollowEnds } from '../follow/request.ts'
import { type ConnectionSettings, isAt, serverName } from '../postgres/settings.ts'
import type { FollowStore } from '../store/follows.ts'
import { ApiFailure } from './errors.ts'
import { jobRequest } from './job-request.ts'
import { failures } from './responses.ts'
import { resolveConn, type Services } from './services.ts'

const tags = ['following']
const ok = true as const

const summaries = {
  pause: 'Suspend applying changes; the source keeps them',
  resume: 'Resume after a pause',
  retry: 'At a conflict: retry the failed change, after fixing the destination',
  stop: 'Stop; applied transactions stay, and continue resumes from there',
  skip: 'At a conflict: skip the whole transaction',
  recopy: 'Copy tables again and follow them from there; the view shows the progress',
  applySchema: 'At a conflict: give the table of the destination the columns of the source table',
}

export function followRoutes(services: Services) {
  const { follows } = services
  const act = async (type: 'pause' | 'resume' | 'retry' | 'stop', body: ActionBody | null | undefined) => ({
    ok,
    message: await follows.act(body?.name, { type }),
  })
  const decide = async (type: 'skip' | 'apply_schema', body: DecisionBody | null | undefined) => {
    const { name, lsn } = body ?? {}
    return { ok, message: await follows.act(name, { type, ...(lsn !== undefined && { lsn }) }) }
  }
  const described = <Body extends TSchema>(body: Body, summary: string) => ({
    body,
    response: { 200: ActionAnswer, ...failures },
    detail: { summary, tags },
  })
  const goOn = async (body: ContinueBody) => {
    const ends = await endsOf(body, services)
    refuseOtherFollow(follows.store, ends, body.follow?.name)
    return { ok, name: follows.continue(ends) }
  }
  return new Elysia()
    .get('/api/follow', () => ({ follows: follows.list() }), {
      response: { 200: FollowList, ...failures },
      detail: {
        summary: 'All moves in the state directory, including those that other processes follow',
        tags,
      },
    })
    .get('/api/follow/:name', ({ params: { name } }) => found(follows.view(name), name), {
      params: Type.Object({ name: Type.String() }),
      response: { 200: FollowView, ...failures },
      detail: { summary: 'One move', tags },
    })
    .post(
      '/api/follow',
      async ({ body }) => {
        if (body.continue) return await goOn(continuedBody(body))
        const { follow, continue: _, ...request } = body
        const wanted = await jobRequest(request, services)
        if (wanted.run.options.dryRun) {
          throw new ApiFailure('usage', say`dryRun is not supported here: use /api/plan`, '/options/dryRun')
        }
        const options = { ...defaultFollowOptions, ...follow }
        return { ok, name: follows.clone({ ...wanted, shown: shownWith(wanted.shown, options) }, options) }
      },
      {
        body: FollowBody,
        response: { 200: FollowStarted, ...failures },
        detail: { summary: 'Copy and follow; 409 while a migration runs or this process follows', tags },
      },
    )
    .post('/api/follow/continue', ({ body }) => goOn(body), {
      body: ContinueBody,
      response: { 200: FollowStarted, ...failures },
      detail: { summary: 'Continue a stopped move: nothing is copied again', tags },
    })
    .post('/api/follow/pause', ({ body }) => act('pause', body), described(ActionBody, summaries.pause))
    .post('/api/follow/resume', ({ body }) => act('resume', body), described(ActionBody, summaries.resume))
    .post('/api/follow/retry', ({ body }) => act('retry', body), described(ActionBody, summaries.retry))
    .post('/api/follow/stop', ({ body }) => act('stop', body), described(ActionBody, summaries.stop))
    .post('/api/follow/skip', ({ body }) => decide('skip', body), described(DecisionBody, summaries.skip))
    .post(
      '/api/follow/apply-schema',
      ({ body }) => decide('apply_schema', body),
      described(DecisionBody, summaries.applySchema),
    )
    .post(
      '/api/follow/recopy',
      async ({ body }) => {
        const { name, tables = [] } = body ?? {}
        return { ok, message: await follows.act(name, { type: 'recopy', tables }) }
      },
      described(RecopyBody, summaries.recopy),
    )
    .post(
      '/api/switchover',
      async ({ body }) => {
        const { name, ...given } = body ?? {}
        const options = { ...defaultSwitchoverOptions, ...given }
        return { ok, message: await follows.act(name, { type: 'switchover', options }) }
      },
      {
        body: SwitchoverBody,
        response: { 200: ActionAnswer, ...failures },
        detail: { summary: 'Switch over; the view shows the steps and the report', tags },
      },
    )
    .post(
      '/api/follow/servers',
      async ({ body, request }) => await readMove(await endsOf(body, services), request.signal),
      {
        body: ContinueBody,
        response: { 200: MoveOnServers, ...failures },
        detail: {
          summary: 'State of a move as recorded on both servers, independent of the state directory',
          tags,
        },
      },
    )
    .post(
      '/api/follow/cleanup',
      async ({
        body: { name, writable = false, discard_late_writes = false, gone, ...body },
        request,
        server,
      }) => {
        found(follows.view(name) ?? follows.store.load(name), name)
        server?.timeout(request, 0)
        const ends = await endsOf({ ...body, follow: { name } }, services)
        refuseOtherFollow(follows.store, ends, name)
        const { dropped, remarks } = await follows.cleanUp(ends, {
          writable,
          discardLateWrites: discard_late_writes,
          gone,
        })
        return { ok, dropped, remarks }
      },
      {
        body: CleanupBody,
        response: { 200: CleanupAnswer, ...failures },
        detail: {
          summary: 'Drop the slot, the publication and everything else that following has created',
          tags,
        },
      },
    )
}

async function endsOf(
  { source, destination, follow }: ContinueBody,
  services: Services,
): Promise<FollowEnds> {
  const [from, to] = [await resolveConn(source, services), await resolveConn(destination, services)]
  return { source: from.settings, destination: to.settings, follow: { ...defaultFollowOptions, ...follow } }
}

/** Options of the start cannot be changed when a move continues: they have been used or are recorded. */
function continuedBody(body: FollowBody): ContinueBody {
  const { source, destination, follow } = body
  // Properties that were not sent may have been filled with defaults.
  const needless = (['selection', 'tables', 'hooks', 'options'] as const).find((key) => {
    const value = body[key]
    return Array.isArray(value) ? value.length > 0 : value !== undefined
  })
  if (needless !== undefined) {
    throw new ApiFailure(
      'usage',
      `continue does not accept ${needless}: it was set at the start`,
      `/${needless}`,
    )
  }
  return { source, destination, ...(follow && { follow }) }
}

function shownWith(shown: unknown, follow: object): unknown {
  return { ...(shown as object), follow }
}

function found<Found>(one: Found | undefined, name: string): Found {
  if (one === undefined) throw new ApiFailure('not_found', say`no move is named "${name}"`)
  return one
}

/** Continuing or cleaning up a move needs the same two databases. */
function refuseOtherFollow(
  store: FollowStore,
  ends: { source: ConnectionSettings; destination: ConnectionSettings },
  name: string | undefined,
) {
  const known = name === undefined ? undefined : store.load(name)
  if (!known) return
  for (const side of ['source', 'destination'] as const) {
    if (isAt(known[side], ends[side])) continue
    const place = `${serverName(ends[side])}/${ends[side].database}`
    throw new ApiFailure(
      'usage',
      `the ${side} of ${name} is ${known[side]}, but ${place} was given`,
      `/${side}`,
    )
  }
}
