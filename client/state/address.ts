// Addresses of the page: a path for the help, fragments for everything of a migration.

export const stepNames = ['connections', 'selection', 'plan', 'run'] as const
export type StepName = (typeof stepNames)[number]

export type Route =
  | { page: 'start' }
  | { page: 'migrate'; step: StepName }
  | { page: 'history'; id: string | undefined }
  | { page: 'schedules'; name: string | undefined }
  | { page: 'follow'; name: string | undefined }
  | { page: 'fleet'; mapping: string | undefined; database: string | undefined }
  | { page: 'compare' }
  | { page: 'schema' }
  | { page: 'help' }
  | { page: 'unknown' }

/** A fragment may begin with a slash. */
export function routeOf({ pathname, hash }: { pathname: string; hash: string }): Route {
  if (pathname === '/help') return { page: 'help' }
  if (pathname !== '/' && pathname !== '/index.html') return { page: 'unknown' }
  const parts = hash.replace(/^#\/?/, '').replace(/\/$/, '').split('/').map(decoded)
  const [first = '', named, second] = parts
  if (first === '' && parts.length === 1) return { page: 'start' }
  if (first === 'history' && parts.length <= 2) return { page: 'history', id: named }
  if (first === 'schedules' && parts.length <= 2) return { page: 'schedules', name: named }
  if (first === 'follow' && parts.length <= 2) return { page: 'follow', name: named }
  if (first === 'fleet' && parts.length !== 2 && parts.length <= 3)
    return { page: 'fleet', mapping: named, database: second }
  if ((first === 'compare' || first === 'schema') && parts.length === 1) return { page: first }
  if (first === 'help' && parts.length === 1) return { page: 'help' }
  // The name of the plan's step in addresses that were saved earlier.
  const step = first === 'options' ? 'plan' : stepNames.find((name) => name === first)
  return step && parts.length === 1 ? { page: 'migrate', step } : { page: 'unknown' }
}

/** Users can type fragments: what is not a valid encoding stays as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // An invalid % sequence (URIError).
    return part
  }
}
