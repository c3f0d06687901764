// Schemas in the notation of TypeScript. A schema that has a name in shared/ is printed as that name.
import type { TSchema } from '@sinclair/typebox'
import * as api from '../../../shared/api.ts'
import * as browse from '../../../shared/browse-api.ts'
import * as comparison from '../../../shared/comparison.ts'
import * as comparisonApi from '../../../shared/comparison-api.ts'
import * as connection from '../../../shared/connection.ts'
import * as createDatabase from '../../../shared/create-database-api.ts'
import * as errorInfo from '../../../shared/error-info.ts'
import * as event from '../../../shared/event.ts'
import * as fleet from '../../../shared/fleet.ts'
import * as fleetApi from '../../../shared/fleet-api.ts'
import * as follow from '../../../shared/follow.ts'
import * as followApi from '../../../shared/follow-api.ts'
import * as followOptions from '../../../shared/follow-options.ts'
import * as followView from '../../../shared/follow-view.ts'
import * as foreignWrites from '../../../shared/foreign-writes.ts'
import * as lateWrites from '../../../shared/late-writes.ts'
import * as moveState from '../../../shared/move-state.ts'
import * as phase from '../../../shared/phase.ts'
import * as plan from '../../../shared/plan-api.ts'
import * as planSql from '../../../shared/plan-sql-api.ts'
import * as preflight from '../../../shared/preflight.ts'
import * as progress from '../../../shared/progress.ts'
import * as repair from '../../../shared/repair-api.ts'
import * as request from '../../../shared/request.ts'
import * as runSize from '../../../shared/run-size.ts'
import * as schedule from '../../../shared/schedule-api.ts'
import * as skipped from '../../../shared/skipped.ts'
import * as speeds from '../../../shared/speeds.ts'
import * as storage from '../../../shared/storage-failure.ts'
import * as summary from '../../../shared/summary.ts'
import * as switchover from '../../../shared/switchover.ts'
import * as tableName from '../../../shared/table-name.ts'
import * as worker from '../../../shared/worker.ts'

const modules = [
  ...[api, request, connection, progress, summary, event, comparison, preflight],
  ...[tableName, phase, errorInfo, speeds, storage, skipped, lateWrites, foreignWrites, worker],
  ...[browse, comparisonApi, createDatabase, plan, planSql, repair, runSize, schedule],
  ...[follow, followApi, followOptions, followView, switchover, moveState, fleet, fleetApi],
]

/** The keywords of JSON Schema that the API uses. */
export interface Schema {
  type?: string
  const?: unknown
  anyOf?: Schema[]
  allOf?: Schema[]
  items?: Schema | Schema[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  required?: string[]
  description?: string
  default?: unknown
  minimum?: number
  maximum?: number
  /** Of a parameter of the query, which is sent as text. */
  sentAs?: 'number' | 'boolean'
}

export interface NamedType {
  name: string
  /** An object's properties in braces, or what the name stands for. */
  text: string
  isObject: boolean
}

/** Prints schemas, and collects the named ones that were used on the way. */
export class TypePrinter {
  readonly #names = new Map<string, string>()
  readonly #used = new Map<string, NamedType | undefined>()

  /** `link`: what is printed for a name. */
  constructor(readonly link: (name: string) => string = (name) => name) {
    for (const module of modules) {
      for (const [name, schema] of Object.entries(module as Record<string, unknown>)) {
        if (!isWorthAName(schema)) continue
        remember(this.#names, JSON.stringify(schema), name)
        if (schema.required) {
          const { required: _, ...rest } = schema
          remember(this.#names, JSON.stringify(rest), `Partial<${name}>`)
        }
        this.#schemas.set(name, this.#schemas.get(name) ?? schema)
      }
    }
  }

  readonly #schemas = new Map<string, Schema>()

  /** All that were printed, and those that they need. */
  get types(): NamedType[] {
    return [...this.#used.values()]
      .filter((type) => type !== undefined)
      .sort((one, other) => one.name.localeCompare(other.name))
  }

  print(given: TSchema | Schema | undefined, indent = ''): string {
    if (!given) return 'unknown'
    const name = this.#names.get(JSON.stringify(given))
    if (name === undefined) return this.#content(given as Schema, indent)
    const [, of] = /^Partial<(\w+)>$/.exec(name) ?? []
    this.#use(of ?? name)
    return of === undefined ? this.link(name) : `Partial<${this.link(of)}>`
  }

  /** What a name stands for instead of the name; the names in it stay. */
  printContent(given: TSchema | Schema | undefined): string {
    return given ? this.#content(given as Schema, '') : 'unknown'
  }

  #use(name: string) {
    if (this.#used.has(name)) return
    // A type that needs itself must not be printed again.
    this.#used.set(name, undefined)
    const schema = this.#schemas.get(name) ?? {}
    const text = this.#content(schema, '')
    this.#used.set(name, { name, text, isObject: schema.properties !== undefined })
  }

  #content(schema: Schema, indent: string): string {
    if (schema.sentAs) return schema.sentAs
    if (schema.const !== undefined) return JSON.stringify(schema.const)
    if (schema.anyOf) return this.#joined(schema.anyOf, ' | ', indent)
    if (schema.allOf) return this.#joined(schema.allOf, ' & ', indent)
    if (schema.properties) return this.#object(schema, indent)
    const [values] = Object.values(schema.patternProperties ?? {})
    if (values) return `Record<string, ${this.print(values, indent)}>`
    if (Array.isArray(schema.items))
      return `[${schema.items.map((item) => this.print(item, indent)).join(', ')}]`
    if (schema.items) return listOf(this.print(schema.items, indent))
    return plainTypes[schema.type ?? ''] ?? 'unknown'
  }

  #joined(schemas: Schema[], sign: string, indent: string): string {
    const parts = [...new Set(schemas.map((one) => this.print(one, indent)))]
    return parts.map((part) => (sign === ' & ' && part.includes(' | ') ? `(${part})` : part)).join(sign)
  }

  #object({ properties = {}, required = [] }: Schema, indent: string): string {
    const inner = `${indent}  `
    const lines = Object.entries(properties).flatMap(([name, schema]) => {
      const optional = required.includes(name) ? '' : '?'
      const remark = remarkOf(schema)
      return [
        ...(remark ? [`${inner}/** ${remark} */`] : []),
        `${inner}${/^[a-z_$][\w$]*$/i.test(name) ? name : JSON.stringify(name)}${optional}: ${this.print(schema, inner)}`,
      ]
    })
    return lines.length === 0 ? 'Record<string, never>' : `{\n${lines.join('\n')}\n${indent}}`
  }
}

function listOf(item: string): string {
  return / [|&] /.test(item) && !item.startsWith('{') ? `Array<${item}>` : `${item}[]`
}

const plainTypes: Record<string, string> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
  object: 'Record<string, unknown>',
}

/** One sentence with what the type does not say. */
function remarkOf({ description, default: usual, minimum, maximum }: Schema): string {
  const limits = [
    ...(minimum === undefined || maximum === undefined ? [] : [`${minimum} to ${maximum}.`]),
    ...(usual === undefined ? [] : [`Default: ${JSON.stringify(usual)}.`]),
  ]
  return [...(description ? [description] : []), ...limits].join(' ').replaceAll('*/', '* /')
}

function isWorthAName(schema: unknown): schema is Schema {
  if (typeof schema !== 'object' || schema === null) return false
  const { properties, anyOf, allOf } = schema as Schema
  return properties !== undefined || anyOf !== undefined || allOf !== undefined
}

/** Of two names for the same schema the first one is used. */
function remember(names: Map<string, string>, schema: string, name: string) {
  if (!names.has(schema)) names.set(schema, name)
}
