// A configuration file: everything that flags can set, with tables, hooks and connections. Its keys are those of the
// request in snake_case; keys of options are spelled as in the option table.
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { ConnectionFields } from './connection.ts'
import { fileSchemaOf, optionNames, spellingOf } from './option-table.ts'
import { Hook, hookPhases, Selection, TableRule } from './request.ts'
import { inFileSpelling } from './spelling.ts'

const text = Type.Optional(Type.String())

/** One of `sql`, `file` and `command`; `on` belongs to the first two. */
export const ConfigHook = Type.Object(
  {
    when: Hook.properties.when,
    phase: Type.Union(hookPhases.map((name) => Type.Literal(name))),
    on: Type.Optional(Type.Union([Type.Literal('source'), Type.Literal('destination')])),
    sql: text,
    file: text,
    command: text,
    name: text,
  },
  { additionalProperties: false },
)
export type ConfigHook = Static<typeof ConfigHook>

const connection = Type.Optional(
  Type.Union([Type.String(), inFileSpelling(ConnectionFields)], {
    expected: 'a URL, or a table with host, port, database, user, ...',
  }),
)

/** Lists of the selection that are at the top level of a file. */
export const selectionKeys = Object.keys(Selection.properties) as (keyof Selection)[]

export const ConfigFile = Type.Object(
  {
    source: connection,
    dest: connection,
    queue: connection,
    ...optional((inFileSpelling(Selection) as typeof Selection).properties),
    tables: Type.Optional(Type.Array(inFileSpelling(TableRule))),
    hooks: Type.Optional(Type.Array(ConfigHook)),
    ...optional(Object.fromEntries(optionNames.map((name) => [spellingOf(name).key, fileSchemaOf(name)]))),
    log_dir: text,
    state_dir: text,
  },
  { additionalProperties: false },
)

function optional(properties: Record<string, TSchema>): Record<string, TSchema> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)]))
}
