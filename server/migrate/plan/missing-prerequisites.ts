// Warnings about what the destination lacks, before the run.

import type { MigrationOptions } from '../../../shared/request.ts'
import { say } from '../../../shared/say.ts'
import { mayChangeDatabase, missingCollations, unusableRoles } from '../../catalog/destination.ts'
import { unquoted } from '../../schema/plain-names.ts'
import type { Inventory } from '../inventory/types.ts'

export function findMissingPrerequisites(inventory: Inventory, options: MigrationOptions): string[] {
  const { source, destination, lacks } = inventory
  const warnings: string[] = []
  if (destination.major < source.major) {
    warnings.push(
      say`the destination is older (${destination.major}) than the source (${source.major}): objects with features that it does not support will fail one by one`,
    )
  }
  if (destination.encoding !== source.encoding) {
    warnings.push(
      say`the source's encoding is ${source.encoding}, the destination's ${destination.encoding}: text is converted; if a value cannot be converted, the copy of its table fails`,
    )
  }
  for (const name of missingExtensions(inventory, options)) {
    warnings.push(
      say`extension "${name}" is not available on the destination: install it there, or exclude it with --skip-extension ${name}; objects that need it will be skipped`,
    )
  }
  for (const name of unusableRoles(inventory)) {
    if (!options.owner && !options.acl) break
    warnings.push(
      lacks.roles.has(name)
        ? say`"${destination.user}" is not a member of role "${name}" on the destination: its objects will belong to "${destination.user}" (grant the role, or use --no-owner)`
        : say`role "${name}" does not exist on the destination: create it, or use --no-owner and --no-acl; its objects will belong to "${destination.user}"`,
    )
  }
  if (!options.dataOnly) warnings.push(...closedPlaces(inventory))
  for (const name of missingTablespaces(inventory)) {
    warnings.push(
      say`tablespace "${name}" does not exist on the destination: its objects will be created in the default one (use --no-tablespaces if this is intended)`,
    )
  }
  warnings.push(...missingCollations(inventory))
  if (!destination.mayReplicate && options.dataOnly && (options.disableFk || options.disableTriggers)) {
    warnings.push(
      say`"${destination.user}" may not disable triggers and foreign keys for its sessions (session_replication_role): those of its own tables are dropped or disabled while rows are copied, and restored afterwards`,
    )
  }
  if (!mayChangeDatabase(inventory)) {
    warnings.push(
      say`settings, comment and grants of the database itself stay as they are: "${destination.user}" does not own it`,
    )
  }
  return warnings
}

/** Reported once in advance; the server would refuse each object separately. */
function closedPlaces({ entries, lacks, destination }: Inventory): string[] {
  const { user } = destination
  const used = new Set(entries.flatMap(({ schema }) => schema ?? []))
  const closed = [...used].filter((schema) => lacks.closedSchemas.has(schema))
  const warnings = closed.map(
    (schema) =>
      say`"${user}" may not create objects in schema "${schema}" of the destination: grant create on it, or rows are copied only into existing tables`,
  )
  if (!lacks.mayCreateSchemas && entries.some(({ kind }) => kind === 'SCHEMA' || kind === 'EXTENSION')) {
    warnings.push(
      say`"${user}" may not create schemas or extensions in the destination's database: grant create on database, or create them beforehand`,
    )
  }
  return warnings
}

export function missingExtensions(inventory: Inventory, options: MigrationOptions): string[] {
  return inventory.entries
    .filter((entry) => entry.kind === 'EXTENSION')
    .map((entry) => entry.name)
    .filter((name) => !inventory.lacks.extensions.has(name) && !options.skipExtensions.includes(name))
}

export function missingTablespaces({ entries, lacks }: Inventory): string[] {
  const used = new Set(entries.map((entry) => tablespaceName(entry.tablespace)))
  return [...used].filter((name) => name !== '' && !lacks.tablespaces.has(name))
}

/** From pg_dump's setting: `''`, a quoted identifier or a plain one. */
export function tablespaceName(setting: string): string {
  return setting === "''" ? '' : unquoted(setting)
}
