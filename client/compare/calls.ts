// The API's calls for comparisons.
import type { ApplyBody, CompareBody } from '../../shared/comparison-api.ts'
import { answer, routes } from '../api/calls.ts'

export const compareApi = {
  list: () => answer(routes.compare.get()),
  start: (body: CompareBody) => answer(routes.compare.post(body)),
  view: (id: string) => answer(routes.compare({ id }).get()),
  result: (id: string) => answer(routes.compare({ id }).result.get()),
  cancel: (id: string) => answer(routes.compare({ id }).cancel.post()),
  apply: (id: string, body: ApplyBody) => answer(routes.compare({ id }).apply.post(body)),
}
