// `pgtrek doctor --config fleet.yaml`: checks all mappings of a fleet, and lists each finding once with its databases.
import type { Command } from 'commander'
import { formatCount } from '../../../shared/format.ts'
import type { FleetMappingReport, FleetPreflightReport, PreflightItem } from '../../../shared/preflight.ts'
import { printable } from '../../../shared/printable.ts'
import { readFleetConfig } from '../../fleet/config.ts'
import { fleetPreflight } from '../../fleet/doctor.ts'
import { UsageError } from '../../postgres/errors.ts'
import { jsonText } from '../../system/output.ts'
import { exitCode } from '../exit.ts'
import { itemLines } from '../render/preflight.ts'
import type { Style } from '../render/style.ts'

export interface FleetDoctorFlags {
  config?: string
  quiet?: boolean
  json?: boolean
}

const known = ['config', 'quiet', 'json']

export async function doctorFleet(
  command: Command,
  flags: FleetDoctorFlags,
  { style, signal, print }: { style: Style; signal: AbortSignal; print: (lines: readonly string[]) => void },
): Promise<number> {
  refuseOtherFlags(command)
  const { quiet = false, json = false } = flags
  const report = await fleetPreflight({
    config: readFleetConfig(flags.config, process.env),
    signal,
    onMapping: (mapping) => !json && print(mappingLines(mapping, { style, quiet })),
  })
  print(json ? [jsonText(report)] : [fleetVerdict(report, style)])
  return codeFor(report)
}

/** The configuration has the selection and the options of each mapping. */
function refuseOtherFlags(command: Command) {
  const other = command.options.find((option) => {
    const name = option.attributeName()
    return command.getOptionValueSource(name) === 'cli' && !known.includes(name)
  })
  if (other) {
    throw new UsageError(
      `${other.long} cannot be used with a fleet: set it in the configuration of the fleet`,
    )
  }
}

function mappingLines(
  mapping: FleetMappingReport,
  { style, quiet }: { style: Style; quiet: boolean },
): string[] {
  const { name, source, destination, databases, error } = mapping
  const head = `${style.bold(name)}: ${source} to ${destination}, ${formatCount(databases.length, 'database')}`
  if (error) return [head, `${style.bad('BLOCKER')} ${printable(error.message)}`, '']
  const failed = databases.flatMap((database) =>
    database.error
      ? [`${style.bad('BLOCKER')} ${printable(`${database.name}: ${database.error.message}`)}`]
      : [],
  )
  const findings = [
    ...mapping.items.map((item) => ({ item, where: [] as string[] })),
    ...distinct(mapping),
  ].filter(({ item }) => item.status !== 'ok')
  const silent = databases.filter(({ status }) => status === 'ok').map((database) => database.name)
  return [
    head,
    ...failed,
    ...findings
      .toSorted((one, other) => rank(one.item) - rank(other.item))
      .flatMap(({ item, where }) => {
        const [first = '', ...rest] = itemLines(item, style)
        return [first, ...(where.length > 0 ? [`        in ${printable(where.join(', '))}`] : []), ...rest]
      }),
    ...(silent.length > 0 && !quiet ? [`${style.good('ok     ')} ${printable(silent.join(', '))}`] : []),
    '',
  ]
}

const rank = ({ status }: PreflightItem) => (status === 'blocker' ? 0 : 1)

/** A finding about a server appears in each of its databases. */
function distinct({ databases }: FleetMappingReport): { item: PreflightItem; where: string[] }[] {
  const found = new Map<string, { item: PreflightItem; where: string[] }>()
  for (const { name, items } of databases) {
    for (const item of items) {
      const key = JSON.stringify(item)
      const known = found.get(key)
      if (known) known.where.push(name)
      else found.set(key, { item, where: [name] })
    }
  }
  return [...found.values()]
}

function fleetVerdict({ status, mappings }: FleetPreflightReport, style: Style): string {
  const databases = mappings.flatMap((mapping) => mapping.databases)
  const count = (one: string) => databases.filter((database) => database.status === one).length
  const unread = mappings.filter(({ error }) => error).length
  const counted = [
    `${formatCount(mappings.length, 'mapping')}, ${formatCount(databases.length, 'database')}: ${count('ok')} passed, ${count('warning')} with warnings, ${count('blocker')} blocked`,
    ...(unread > 0 ? [`${formatCount(unread, 'mapping')} could not be checked`] : []),
  ].join('; ')
  if (status === 'blocker') return `${style.bad('Not ready.')} ${counted}.`
  if (status === 'warning') return `${style.caution('Ready, with warnings.')} ${counted}.`
  return `${style.good('Ready.')} ${counted}.`
}

/** The most severe code: instances that could not be checked, then blockers. */
function codeFor({ status, mappings }: FleetPreflightReport): number {
  const isUnread = mappings.some(({ error, databases }) => error || databases.some((one) => one.error))
  if (isUnread) return exitCode.cannotRun
  return status === 'blocker' ? exitCode.failures : exitCode.done
}
