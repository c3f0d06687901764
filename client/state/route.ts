// Which page is shown: a path for the help, the fragment for everything that goes with a migration.
import { createSignal } from 'solid-js'

export const stepNames = ['connections', 'selection', 'options', 'run'] as const
export type StepName = (typeof stepNames)[number]

export type Route =
  | { page: 'migrate'; step: StepName }
  | { page: 'history'; id: string | undefined }
  | { page: 'follow'; name: string | undefined }
  | { page: 'fleet'; mapping: string | undefined; database: string | undefined }
  | { page: 'help' }
  | { page: 'unknown' }

const [current, setCurrent] = createSignal(read())
export const route = current

/** In the page, without loading it again. */
export function go(path: string) {
  if (path !== location.pathname + location.hash) history.pushState(null, '', path)
  setCurrent(read())
  scrollTo(0, 0)
}

export function goToStep(step: StepName) {
  go(`/#${step}`)
}

addEventListener('popstate', () => setCurrent(read()))
addEventListener('hashchange', () => setCurrent(read()))

function read(): Route {
  if (location.pathname === '/help') return { page: 'help' }
  if (location.pathname !== '/' && location.pathname !== '/index.html') return { page: 'unknown' }
  const [first = '', named, second] = location.hash.slice(1).split('/').map(decoded)
  if (first === 'history') return { page: 'history', id: named }
  if (first === 'follow') return { page: 'follow', name: named }
  if (first === 'fleet') return { page: 'fleet', mapping: named, database: second }
  return { page: 'migrate', step: stepNames.find((name) => name === first) ?? 'connections' }
}

/** A fragment can be typed by anybody: what encodes nothing stays as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // A % that encodes nothing: a URIError.
    return part
  }
}
