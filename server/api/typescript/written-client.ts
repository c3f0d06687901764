// The app without a server and a state directory, to describe its routes.
import { createApp } from '../app.ts'
import { createGuard } from '../guard.ts'
import type { Services } from '../services.ts'
import { clientText } from './client.ts'
import { routesOf } from './routes.ts'

/** Only handlers use the services, and none is called. */
const noServices = {} as Services

export function writtenClient(): string {
  return clientText(routesOf(createApp(noServices, createGuard({ host: 'localhost' }))))
}
