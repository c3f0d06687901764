// Saved requests.

import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { Profile, ProfileBody, ProfileName } from '../../shared/api.ts'
import { say } from '../../shared/say.ts'
import { ApiFailure } from './errors.ts'
import { failures } from './responses.ts'
import type { Services } from './services.ts'

const params = Type.Object({ name: ProfileName })
const tags = ['profiles']

export function profileRoutes({ profiles }: Services) {
  return new Elysia()
    .get('/api/profiles', () => profiles.list(), {
      response: { 200: Type.Array(Profile), ...failures },
      detail: { summary: 'All profiles; responses never contain passwords', tags },
    })
    .get(
      '/api/profiles/:name',
      ({ params: { name } }) => {
        const profile = profiles.find(name)
        if (!profile) throw new ApiFailure('not_found', say`no profile is named "${name}"`)
        return profile
      },
      { params, response: { 200: Profile, ...failures }, detail: { summary: 'One profile', tags } },
    )
    .put('/api/profiles/:name', ({ params: { name }, body }) => profiles.put(name, body), {
      params,
      body: ProfileBody,
      response: { 200: Profile, ...failures },
      detail: { summary: 'Save a profile, with its passwords if requested', tags },
    })
    .delete(
      '/api/profiles/:name',
      async ({ params: { name } }) => {
        if (!(await profiles.delete(name)))
          throw new ApiFailure('not_found', say`no profile is named "${name}"`)
        return { ok: true as const }
      },
      {
        params,
        response: { 200: Type.Object({ ok: Type.Literal(true) }), ...failures },
        detail: { summary: 'Delete a profile and its passwords', tags },
      },
    )
}
