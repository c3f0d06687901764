// Advice for a failed step whose function did not find a name: the search_path is empty during a restore.
import type { ErrorInfo } from '../../../shared/error-info.ts'
import { sqlstate } from '../../postgres/errors.ts'

const unfound: ReadonlySet<string | undefined> = new Set([
  sqlstate.undefinedFunction,
  sqlstate.undefinedTable,
  sqlstate.undefinedObject,
])

/**
 * The server's CONTEXT: `SQL function "f" during inlining`, `PL/pgSQL function public.f(text) line 1 at RETURN`,
 * `compilation of PL/pgSQL function "f" near line 1`.
 */
const inFunction =
  /(?:^|\n)(?:compilation of )?(?:SQL|PL\/pgSQL) function (?:"(.+)"|(.+?)) (?:during|statement|line|near)/

export function withPathAdvice(info: ErrorInfo): ErrorInfo {
  const match = unfound.has(info.sqlstate) ? inFunction.exec(info.context ?? '') : null
  const name = match?.[1] ?? match?.[2]
  if (name === undefined) return info
  const advice = `function ${name} uses it without a schema, and a dump is restored with an empty search_path. Set the search_path of the function on the source ("pgtrek preflight" prints the statement), or name the schema in its body`
  // The server's own hint is about types, and misleading here.
  const { hint: _, ...rest } = info
  return { ...rest, message: `${info.message}: ${advice}` }
}
