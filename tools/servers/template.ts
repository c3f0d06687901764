// Data directories of new servers. initdb runs once for each kind, and its result is stored beside the packages. A server
// starts from a copy of it, with its own identity.
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { giveToServer, type Programs, run, runAsServer, serverUser } from './binaries.ts'
import { scratchDirectory } from './scratch.ts'

/** Choices of initdb that no setting changes later. */
export interface TemplateOptions {
  locale?: string
  dataChecksums?: boolean
}

const cache = join(import.meta.dir, '../../node_modules/.cache/pgtrek/servers')
const making = new Map<string, Promise<string>>()

/** Creates the data directory of a new server. */
export async function makeDataDirectory(programs: Programs, data: string, options: TemplateOptions = {}) {
  const template = await templateOf(programs, options)
  await run('cp', ['-R', template, data])
  giveIdentity(data)
  if (serverUser) await run('chown', ['-R', `${serverUser.uid}:${serverUser.gid}`, data])
}

export function templateOf(programs: Programs, options: TemplateOptions = {}): Promise<string> {
  const { locale = 'C', dataChecksums = false } = options
  const { version, distribution } = programs
  const name = `${distribution ?? ''}${version}-${locale}${dataChecksums ? '-checksums' : ''}`.replace(
    /[^\w.-]/g,
    '_',
  )
  const known = making.get(name)
  if (known) return known
  const made = make(programs, join(cache, name), { locale, dataChecksums })
  making.set(name, made)
  made.catch(() => making.delete(name))
  return made
}

async function make(
  programs: Programs,
  template: string,
  options: Required<TemplateOptions>,
): Promise<string> {
  if (existsSync(template)) return template
  const place = mkdtempSync(join(scratchDirectory(), 'initdb-'))
  giveToServer(place)
  const fresh = join(place, 'data')
  const passwordFile = join(place, 'password')
  writeFileSync(passwordFile, 'postgres\n')
  giveToServer(passwordFile)
  await runAsServer(join(programs.bin, 'initdb'), [
    ...['--pgdata', fresh, '--username', 'postgres', '--pwfile', passwordFile],
    // Makes the server store passwords as SCRAM secrets where that is not the default yet.
    ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', options.locale, '--no-sync'],
    ...(options.dataChecksums ? ['--data-checksums'] : []),
  ])
  // Several processes may create it at the same time: it is moved into place as a whole, and the first one stays.
  mkdirSync(cache, { recursive: true })
  const unfinished = `${template}.${process.pid}`
  await run('cp', ['-R', fresh, unfinished])
  try {
    renameSync(unfinished, template)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(template)) throw error
  }
  rmSync(place, { recursive: true, force: true })
  return template
}

/**
 * Copies must not be taken for the same server. The system identifier is at the start of pg_control, which ends with a
 * checksum, and in the header of the first page of the write-ahead log.
 */
function giveIdentity(data: string) {
  const identifier = randomBytes(8)
  // A bigint in SQL: it must be positive.
  identifier.writeUInt8(identifier.readUInt8(7) & 0x7f, 7)
  const controlFile = join(data, 'global', 'pg_control')
  const control = readFileSync(controlFile)
  const end = checksumOffset(control)
  identifier.copy(control, 0)
  control.writeUInt32LE(crc32c(control.subarray(0, end)), end)
  writeFileSync(controlFile, control)
  const logDirectory = join(data, 'pg_wal')
  for (const name of readdirSync(logDirectory).filter((entry) => /^[0-9A-F]{24}$/.test(entry))) {
    const segment = readFileSync(join(logDirectory, name))
    identifier.copy(segment, 24)
    writeFileSync(join(logDirectory, name), segment)
  }
}

/** The fields before the checksum differ between major versions: its place is found by computing it. */
function checksumOffset(control: Buffer): number {
  for (let end = 128; end < 512; end += 4) {
    if (control.readUInt32LE(end) === crc32c(control.subarray(0, end))) return end
  }
  throw new Error('pg_control has no checksum where one is expected')
}

/** CRC-32C (Castagnoli), as PostgreSQL computes it. */
function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0)
  }
  return (sum ^ 0xffffffff) >>> 0
}
