// Schedules: saved profiles that run by the clock.
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { say } from '../../shared/say.ts'
import {
  Preview,
  PreviewBody,
  Schedule,
  ScheduleBody,
  ScheduleDetails,
  ScheduleName,
} from '../../shared/schedule-api.ts'
import { preview, putSchedule, removeSchedule, showDetails, showSchedule } from '../schedule/manage.ts'
import { ApiFailure } from './errors.ts'
import { failures } from './responses.ts'
import { managing } from './schedule-runner.ts'
import type { Services } from './services.ts'

const params = Type.Object({ name: ScheduleName })
const tags = ['schedules']
const Done = Type.Object({ ok: Type.Literal(true) })
const done = { ok: true as const }

export function scheduleRoutes(services: Services) {
  const { schedules, scheduler } = services
  const context = managing(services)
  const find = (name: string) => {
    const stored = schedules.find(name)
    if (!stored) throw new ApiFailure('not_found', `no schedule is named "${name}"`)
    return stored
  }
  const enable = (name: string, enabled: boolean) => {
    find(name)
    schedules.enable(name, enabled, context.now())
    return showSchedule(find(name), context)
  }
  return new Elysia()
    .get('/api/schedules', () => schedules.list().map((stored) => showSchedule(stored, context)), {
      response: { 200: Type.Array(Schedule), ...failures },
      detail: { summary: 'All schedules, with the next run and the last outcome of each', tags },
    })
    .post('/api/schedules/preview', ({ body }) => ({ next: preview(body, context.now()) }), {
      body: PreviewBody,
      response: { 200: Preview, ...failures },
      detail: { summary: 'The next five due times of a cron expression or an interval in a time zone', tags },
    })
    .get('/api/schedules/:name', ({ params: { name } }) => showDetails(find(name), context), {
      params,
      response: { 200: ScheduleDetails, ...failures },
      detail: { summary: 'One schedule with its past runs, also those that were missed or skipped', tags },
    })
    .put(
      '/api/schedules/:name',
      ({ params: { name }, body }) => {
        if (!services.profiles.find(body.profile)) {
          throw new ApiFailure(
            'not_found',
            say`no profile is named "${body.profile}": save one on the page first, under Connections`,
          )
        }
        return putSchedule(name, body, context)
      },
      {
        params,
        body: ScheduleBody,
        response: { 200: Schedule, ...failures },
        detail: {
          summary:
            'Save a schedule. The confirmation holds for the profile as it is now; responses never contain the URL for notifications',
          tags,
        },
      },
    )
    .delete(
      '/api/schedules/:name',
      async ({ params: { name } }) => {
        find(name)
        await removeSchedule(name, context)
        return done
      },
      {
        params,
        response: { 200: Done, ...failures },
        detail: { summary: 'Remove a schedule; its migrations stay in the history', tags },
      },
    )
    .post('/api/schedules/:name/enable', ({ params: { name } }) => enable(name, true), {
      params,
      response: { 200: Schedule, ...failures },
      detail: { summary: 'Enable a schedule; what was due while it was disabled is not run', tags },
    })
    .post('/api/schedules/:name/disable', ({ params: { name } }) => enable(name, false), {
      params,
      response: { 200: Schedule, ...failures },
      detail: { summary: 'Disable a schedule; a run that has started continues', tags },
    })
    .post(
      '/api/schedules/:name/run',
      ({ params: { name } }) => {
        find(name)
        if (schedules.running(name)) {
          throw new ApiFailure('busy', `a run of schedule "${name}" has not ended: wait for it`)
        }
        return { ...done, entry: scheduler.runNow(name).entry }
      },
      {
        params,
        response: { 200: Type.Object({ ok: Type.Literal(true), entry: Type.Integer() }), ...failures },
        detail: { summary: 'Run a schedule now; 409 while a run of it has not ended', tags },
      },
    )
}
