// `--where` and `--upsert-key`: rules for single tables. `--hook`: commands and SQL of the user between the phases.
import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { eitherOf } from '../../../shared/option-table.ts'
import { nearestName } from '../../../shared/pattern.ts'
import { type Hook, hookPhases, type TableRule } from '../../../shared/request.ts'
import { commandName, readSql, refuseOddPattern } from '../../config/rules.ts'
import { UsageError } from '../../postgres/errors.ts'
import { collect, splitAtEquals } from './words.ts'

const heading = 'Rows:'

export function addRuleFlags(command: Command, { keys = true } = {}) {
  const add = (flag: string, meaning: string) =>
    command.addOption(new Option(flag, meaning).argParser(collect).helpGroup(heading))
  add('--where <table=condition>', 'only rows of this table for which the SQL condition holds')
  if (keys) add('--upsert-key <table=constraint>', 'the unique constraint or index by which upsert merges')
}

export function addHookFlag(command: Command) {
  command.addOption(
    new Option(
      '--hook <when:phase:on:what>',
      'before:data:destination:FILE.sql or after:run:command:COMMAND (may be repeated)',
    )
      .argParser(collect)
      .helpGroup('Run:'),
  )
}

/** Undefined without rules. Both flags of one table make one rule. */
export function rulesFromFlags(command: Command): TableRule[] | undefined {
  const rules = new Map<string, TableRule>()
  const { where = [], upsertKey = [] } = command.opts<{ where?: string[]; upsertKey?: string[] }>()
  for (const text of where) setRule(rules, '--where', 'where', text)
  for (const text of upsertKey) setRule(rules, '--upsert-key', 'key', text)
  return rules.size > 0 ? [...rules.values()] : undefined
}

function setRule(rules: Map<string, TableRule>, flag: string, field: 'where' | 'key', text: string) {
  const what = field === 'where' ? 'condition' : 'constraint'
  const [table, value] = splitAtEquals(text) ?? []
  if (!table || !value) throw new UsageError(`${flag} must be schema.table=${what}: it is "${text}"`)
  refuseOddPattern(table, flag)
  const rule = rules.get(table) ?? { table }
  if (rule[field] !== undefined) throw new UsageError(`${flag} is given twice for ${table}`)
  rules.set(table, { ...rule, [field]: value })
}

export function hooksFromFlags(command: Command): Hook[] | undefined {
  const { hook } = command.opts<{ hook?: string[] }>()
  return hook?.map(hookOf)
}

const moments = ['before', 'after'] as const
const places = ['source', 'destination', 'command'] as const

function hookOf(text: string): Hook {
  const [, first = '', second = '', third = '', what = ''] =
    /^([^:]*):([^:]*):([^:]*):(.*)$/s.exec(text) ?? []
  if (what.trim() === '') {
    throw new UsageError(
      '--hook must be before:data:destination:FILE.sql or after:run:command:COMMAND, with all four parts',
    )
  }
  const when = oneOf(moments, first)
  const phase = oneOf(hookPhases, second)
  const on = oneOf(places, third)
  if (on === 'command') return { when, phase, run: { command: what }, name: commandName(what) }
  return { when, phase, run: { on, sql: readSql(what, '--hook') }, name: basename(what) }
}

function oneOf<Word extends string>(words: readonly Word[], given: string): Word {
  const found = words.find((word) => word === given)
  if (found) return found
  const near = nearestName(given, words)
  throw new UsageError(
    `--hook has "${given}" instead of ${eitherOf(words)}${near ? `: did you mean ${near}?` : ''}`,
  )
}
