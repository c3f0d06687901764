// Which page is shown: a path for the help, the fragment for everything that goes with a migration.
import { createSignal } from 'solid-js'

export const stepNames = ['connections', 'selection', 'options', 'run'] as const
export type StepName = (typeof stepNames)[number]

export type Route =
  | { page: 'migrate'; step: StepName }
  | { page: 'history'; id: string | undefined }
  | { page: 'follow'; name: string | undefined }
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
  const [first = '', second] = location.hash.slice(1).split('/')
  const named = second === undefined ? undefined : decodeURIComponent(second)
  if (first === 'history') return { page: 'history', id: named }
  if (first === 'follow') return { page: 'follow', name: named }
  return { page: 'migrate', step: stepNames.find((name) => name === first) ?? 'connections' }
}
