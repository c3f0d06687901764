// Finds the programs that pgtrek is compared with, and pgtrek itself.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')
const debianDirectory = '/usr/lib/postgresql'

/** The compiled executable if there is one, otherwise the source. */
export function pgtrekCommand(): string[] {
  const compiled = join(root, 'dist', process.platform === 'win32' ? 'pgtrek.exe' : 'pgtrek')
  return existsSync(compiled) ? [compiled] : [process.execPath, join(root, 'server', 'main.ts')]
}

/** A directory with psql, pg_dump and pg_restore of this major or a newer one. */
export function clientDirectory(major: number): string | undefined {
  const packaged = existsSync(debianDirectory)
    ? readdirSync(debianDirectory)
        .filter((name) => Number(name) >= major)
        .sort((a, b) => Number(a) - Number(b))
        .map((name) => join(debianDirectory, name, 'bin'))
    : []
  const onPath = (process.env.PATH ?? '').split(':')
  return [...packaged, ...onPath].find((directory) => {
    const version = versionOf(join(directory, 'pg_dump'))
    return version !== undefined && Number.parseInt(version, 10) >= major
  })
}

export function pgcopydb(): string | undefined {
  return Bun.which('pgcopydb') ?? undefined
}

/** `15.18`, from `pg_dump (PostgreSQL) 15.18 (Debian ...)`. */
export function versionOf(program: string): string | undefined {
  const { status, stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return status === 0 ? /\d+[\d.]*/.exec(stdout + stderr)?.[0] : undefined
}
