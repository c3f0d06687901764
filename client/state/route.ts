// Which page is shown.
import { createSignal } from 'solid-js'
import { type Route, routeOf, type StepName } from './address.ts'

export { stepNames } from './address.ts'
export type { Route, StepName }

const [current, setCurrent] = createSignal(routeOf(location))
export const route = current

/** Within the page, without loading it again. */
export function go(path: string) {
  if (path !== location.pathname + location.hash) history.pushState(null, '', path)
  setCurrent(routeOf(location))
  scrollTo(0, 0)
}

export function goToStep(step: StepName) {
  go(`/#${step}`)
}

addEventListener('popstate', () => setCurrent(routeOf(location)))
addEventListener('hashchange', () => setCurrent(routeOf(location)))
