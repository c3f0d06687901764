// Which names without a schema a function body uses, as far as its text shows.
import { expect, test } from 'bun:test'
import { usedNames } from '../../server/preflight/body-names.ts'

const bodies: [body: string, uses: string[]][] = [
  ['select unaccent($1)', ['function unaccent']],
  ['select public.unaccent($1), "Odd one"."F"(1)', ['function public.unaccent', 'function Odd one.F']],
  ["select 'unaccent(x)' -- lower(x)\n /* f(x) */", []],
  [
    'select x from factor f join public.other o using (x)',
    ['relation factor', 'relation public.other', 'function using'],
  ],
  ['with made (x) as (select 1) select x from made', ['function made', 'function as']],
  ['with made as materialized (select 1) select x from made', ['function materialized']],
  [
    'select extract(year from day), trim(both from name), day from t',
    ['function extract', 'function trim', 'relation t'],
  ],
  ['insert into log (x) values ($1)', ['relation log', 'function values']],
  ["select 'good'::mood, cast($1 as app.mood)", ['type mood', 'function cast', 'type app.mood']],
  ['select a %% b, c operator(public.%) d', ['operator %%', 'function operator']],
  [
    'declare m mood; n constant app.mood := f(x); begin return m; end',
    ['type mood', 'type app.mood', 'operator =', 'function f'],
  ],
  ['begin update "T""x" set y = 1; end', ['relation T"x', 'operator =']],
]

test.each(bodies)('%s', (body, uses) => {
  const shown = usedNames(body).map(
    ({ kind, schema, name }) => `${kind} ${schema === null ? '' : `${schema}.`}${name}`,
  )
  expect(shown).toEqual(uses)
})
