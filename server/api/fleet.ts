// `/api/fleet`: shows and controls the fleet of this process.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { type FleetAction, FleetView } from '../../shared/fleet.ts'
import { FleetActionBody, FleetCompleteBody, FleetSwitchoverBody } from '../../shared/fleet-api.ts'
import { ActionAnswer } from '../../shared/follow-api.ts'
import { FollowView } from '../../shared/follow-view.ts'
import { say } from '../../shared/say.ts'
import { ApiFailure } from './errors.ts'
import type { Fleet } from './fleets.ts'
import { failures } from './responses.ts'
import type { Services } from './services.ts'

const tags = ['fleet']

/** The actions that need no further arguments. */
const summaries = {
  pause: 'Start no more copies and suspend applying changes: of a database, a mapping, or all',
  resume: 'Resume after a pause',
  retry: 'Retry what has failed, without waiting',
} as const

export function fleetRoutes({ fleet }: Services) {
  const act = async (action: FleetAction) => ({
    ok: true as const,
    message: await running(fleet).act(action),
  })
  const described = (name: keyof typeof summaries) => ({
    body: FleetActionBody,
    response: { 200: ActionAnswer, ...failures },
    detail: { summary: summaries[name], tags },
  })
  return new Elysia()
    .get('/api/fleet', () => running(fleet).controller.view(), {
      response: { 200: FleetView, ...failures },
      detail: { summary: 'All mappings with their databases; 404 where no fleet runs', tags },
    })
    .get(
      '/api/fleet/:mapping/:database',
      ({ params: { mapping, database } }) => running(fleet).database(mapping, database),
      {
        params: Type.Object({ mapping: Type.String(), database: Type.String() }),
        response: { 200: FollowView, ...failures },
        detail: { summary: 'One database in full: streams, slots, changes by table, the report', tags },
      },
    )
    .post('/api/fleet/pause', ({ body }) => act({ type: 'pause', ...body }), described('pause'))
    .post('/api/fleet/resume', ({ body }) => act({ type: 'resume', ...body }), described('resume'))
    .post('/api/fleet/retry', ({ body }) => act({ type: 'retry', ...body }), described('retry'))
    .post('/api/fleet/switchover', ({ body }) => act({ type: 'switchover', ...body }), {
      body: FleetSwitchoverBody,
      response: { 200: ActionAnswer, ...failures },
      detail: { summary: 'Switch over a database, a mapping, or (an empty object) all', tags },
    })
    .post('/api/fleet/complete', ({ body }) => act({ type: 'complete', ...body }), {
      body: FleetCompleteBody,
      response: { 200: ActionAnswer, ...failures },
      detail: { summary: 'Mark as complete: drops slots, publications, subscriptions; rows stay', tags },
    })
}

function running(fleet: Fleet | undefined): Fleet {
  if (fleet) return fleet
  throw new ApiFailure('not_found', say`no fleet runs in this process: start one with "pgtrek fleet"`)
}
