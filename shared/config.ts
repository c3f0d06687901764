// A configuration file: all that flags can say, with tables, hooks and connections written out. Its keys are
// those of the request in snake_case, and those of the options as the option table spells them.
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

/** Lists of the selection that a file has at its top. */
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
