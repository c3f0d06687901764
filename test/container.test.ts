// The Dockerfile and the compose file are not built here: this checks what is possible without Docker.
import { describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')
const text = (name: string) => readFileSync(join(root, name), 'utf8')

interface Instruction {
  name: string
  rest: string
}

/** https://docs.docker.com/reference/dockerfile/ */
const known = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
)

describe('the Dockerfile', () => {
  const instructions: Instruction[] = text('Dockerfile')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
      return { name, rest }
    })
  const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'))
  const only = (name: string) => last.filter((one) => one.name === name).map(({ rest }) => rest)

  test('has only valid instructions, and begins with a base', () => {
    expect(instructions.filter(({ name }) => !known.has(name))).toEqual([])
    expect(instructions[0]?.name).toBe('FROM')
  })

  test('names the version of each base', () => {
    for (const { rest } of instructions.filter(({ name }) => name === 'FROM')) {
      expect(rest).toMatch(/^[\w./-]+:[\w.-]+( AS \w+)?$/)
      expect(rest).not.toContain(':latest')
    }
  })

  test('runs as an unprivileged user, on a base without a shell', () => {
    expect(last[0]?.rest).toContain('distroless')
    expect(only('USER')).toEqual(['65532:65532'])
    expect(only('RUN')).toEqual([])
  })

  test('starts and checks its health without a shell', () => {
    for (const rest of [...only('ENTRYPOINT'), ...only('CMD')]) expect(JSON.parse(rest)).toBeArray()
    expect(JSON.parse(only('ENTRYPOINT')[0] ?? '')).toEqual(['/usr/local/bin/pgtrek'])
    expect(JSON.parse(only('CMD')[0] ?? '')).toEqual(['serve', '--host', '0.0.0.0'])
    const [, check = ''] = /CMD (\[.*\])$/.exec(only('HEALTHCHECK')[0] ?? '') ?? []
    expect(JSON.parse(check)).toEqual(['/usr/local/bin/pgtrek', 'health'])
  })

  test('copies only existing files', () => {
    const copied = instructions
      .filter(({ name, rest }) => name === 'COPY' && !rest.includes('--from'))
      .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
    for (const path of copied) expect([path, existsSync(join(root, path))]).toEqual([path, true])
  })
})

describe('the compose file', () => {
  const compose = Bun.YAML.parse(text('compose.yaml')) as {
    services: Record<
      string,
      { image?: string; ports?: string[]; environment: Record<string, string>; volumes?: string[] } & Record<
        string,
        unknown
      >
    >
    volumes: Record<string, unknown>
  }
  const { old, new: fresh, pgtrek } = compose.services

  test('has two servers of different versions and pgtrek, which waits for both', () => {
    expect([old?.image, fresh?.image]).toEqual(['postgres:14', 'postgres:18'])
    expect(Object.keys(pgtrek?.depends_on as object)).toEqual(['old', 'new'])
    for (const service of [old, fresh]) expect(service?.healthcheck).toBeDefined()
  })

  test('makes the page reachable from this machine only, with a token that is long enough', () => {
    expect(pgtrek?.ports).toEqual(['127.0.0.1:8080:8080'])
    const token = /:-(.*)\}$/.exec(pgtrek?.environment.PGTREK_TOKEN ?? '')?.[1]
    expect(token?.length).toBeGreaterThanOrEqual(16)
    expect(pgtrek).toMatchObject({ build: '.', read_only: true, cap_drop: ['ALL'] })
  })

  test('keeps the state in a declared volume', () => {
    expect(pgtrek?.volumes).toEqual(['pgtrek-state:/data'])
    expect(Object.keys(compose.volumes)).toEqual(['pgtrek-state'])
  })
})
