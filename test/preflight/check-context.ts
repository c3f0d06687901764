// Runs one preflight between two databases, and finds items of its report.
import { resolveSettings } from '../../server/postgres/resolve-settings.ts'
import { type Preflight, type PreflightRequest, preflight } from '../../server/preflight/preflight.ts'
import { defaultOptions } from '../../shared/defaults.ts'
import type { MigrationOptions } from '../../shared/request.ts'

export type Wishes = Partial<Omit<PreflightRequest, 'options'>> &
  Pick<Preflight, 'chosen'> & { options?: Partial<MigrationOptions> }

export async function look(source: string, destination: string, { options, ...wishes }: Wishes = {}) {
  const request: Preflight = {
    source: resolveSettings({ url: source }),
    destination: resolveSettings({ url: destination }),
    follow: false,
    options: { ...defaultOptions, ...options },
    signal: new AbortController().signal,
    ...wishes,
  }
  const report = await preflight(request)
  return {
    ...report,
    item(id: string) {
      const found = report.items.find((item) => item.id === id)
      if (!found) throw new Error(`no check is called ${id}`)
      return found
    },
  }
}
