// `/metrics`: all metrics for Prometheus.
import { Elysia } from 'elysia'
import { version } from '../../system/version.ts'
import type { Services } from '../services.ts'
import { copyFamilies } from './copy.ts'
import { fleetFamilies } from './fleet.ts'
import { followFamilies } from './follow.ts'
import { contentType, exposition, type Family } from './prometheus.ts'

export function metricsRoutes({ jobs, follows, fleet }: Services) {
  return new Elysia().get(
    '/metrics',
    () => {
      const [job, views] = [jobs.status(), follows.list()]
      const families = [
        buildInfo(),
        ...copyFamilies(job, follows.nameOfJob(job.id), views),
        ...followFamilies(views),
        ...(fleet ? fleetFamilies(fleet.controller.view()) : []),
      ]
      return new Response(exposition(families), { headers: { 'content-type': contentType } })
    },
    { detail: { hide: true } },
  )
}

function buildInfo(): Family {
  return {
    name: 'pgtrek_build_info',
    help: 'Always 1; the labels name the version of pgtrek.',
    type: 'gauge',
    samples: [{ value: 1, labels: { version, runtime: `bun ${Bun.version}`, platform: process.platform } }],
  }
}
