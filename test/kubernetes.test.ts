// The Kubernetes example is not run here: this checks it against the program, without a cluster.
import { describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cloneCommand } from '../server/cli/commands/clone.ts'
import { fleetCommand } from '../server/cli/commands/fleet.ts'
import { healthCommand } from '../server/cli/commands/health.ts'
import { workerCommand } from '../server/cli/commands/worker.ts'
import { endVariables } from '../server/cli/flags/connection.ts'
import { queueVariable } from '../server/cli/flags/queue.ts'
import { readFleetConfig } from '../server/fleet/config.ts'

const root = join(import.meta.dir, '..')
const directory = join(root, 'deploy/kubernetes')

interface Probe {
  exec: { command: string[] }
}
interface Container {
  name: string
  image: string
  args: string[]
  env?: { name: string; valueFrom: { secretKeyRef: { name: string; key: string } } }[]
  ports?: { name: string; containerPort: number }[]
  startupProbe?: Probe
  readinessProbe?: Probe
  livenessProbe?: Probe
  resources: unknown
  securityContext: unknown
  volumeMounts: { name: string; mountPath: string }[]
}
interface Pod {
  containers: Container[]
  volumes: {
    name: string
    configMap?: { name: string }
    secret?: { secretName: string }
    emptyDir?: object
  }[]
  securityContext: unknown
}
interface Template {
  metadata: { labels: Labels }
  spec: Pod
}
type Labels = Record<string, string>
interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string }
  data?: Record<string, string>
  stringData?: Record<string, string>
  spec?: {
    replicas?: number
    strategy?: unknown
    selector?: Labels & { matchLabels?: Labels }
    template?: Template
    ports?: { port: number; targetPort: string }[]
  }
}

const manifests = readdirSync(directory).flatMap((file) =>
  readFileSync(join(directory, file), 'utf8')
    .split(/^---$/m)
    .map((text) => Bun.YAML.parse(text) as Manifest),
)
const named = (kind: string, name: string) =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
const workloads = manifests.flatMap(({ kind, metadata, spec }) =>
  spec?.template ? [{ title: `${kind} ${metadata.name}`, spec, template: spec.template }] : [],
)
const containers = workloads.flatMap(({ title, template }) =>
  template.spec.containers.map((container) => ({ title, container, pod: template.spec })),
)
const commands = new Map(
  [fleetCommand(), workerCommand(), cloneCommand(), healthCommand()].map((command) => [
    command.name(),
    command,
  ]),
)
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
const flag = (words: readonly string[], name: string) => words[words.indexOf(name) + 1]

test('it has a board with its Service, workers, a Job, a Secret and a ConfigMap', () => {
  expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
    'ConfigMap pgtrek',
    'Deployment pgtrek-board',
    'Deployment pgtrek-clone-worker',
    'Deployment pgtrek-worker',
    'Job pgtrek-clone',
    'Secret pgtrek',
    'Secret pgtrek-clone',
    'Service pgtrek-board',
  ])
  const versions = Object.fromEntries(manifests.map(({ kind, apiVersion }) => [kind, apiVersion]))
  expect(versions).toEqual({
    ConfigMap: 'v1',
    Deployment: 'apps/v1',
    Job: 'batch/v1',
    Secret: 'v1',
    Service: 'v1',
  })
})

describe.each(containers)('$title', ({ container, pod }) => {
  test('calls a command with flags that it has', () => {
    const [name = '', ...words] = container.args
    const command = commands.get(name)
    const known = command?.options.map(({ long }) => long)
    for (const word of words.filter((one) => one.startsWith('--'))) expect(known).toContain(word)
    expect(container.args.every((word) => typeof word === 'string')).toBe(true)
  })

  test('sets variables that the program reads, from keys of their Secret', () => {
    const known: string[] = [...Object.values(endVariables), queueVariable, 'PGTREK_TOKEN']
    for (const { name, valueFrom } of container.env ?? []) {
      expect(known).toContain(name)
      const { secretKeyRef } = valueFrom
      expect(Object.keys(named('Secret', secretKeyRef.name)?.stringData ?? {})).toContain(secretKeyRef.key)
    }
  })

  test('has a health check at an address that answers', () => {
    const isServing = container.args[0] !== 'clone'
    const { startupProbe, readinessProbe, livenessProbe } = container
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      expect(probe !== undefined).toBe(isServing)
      if (!probe) continue
      const [program = '', command, ...words] = probe.exec.command
      expect(dockerfile).toContain(`ENTRYPOINT ["${program}"]`)
      expect(command).toBe('health')
      const health = commands.get('health')
      const url = words.length > 0 ? flag(words, '--url') : health?.opts<{ url: string }>().url
      const port = flag(container.args, container.args[0] === 'worker' ? '--health-port' : '--port')
      expect(new URL(url ?? '').port).toBe(port ?? '')
    }
  })

  test('runs as an unprivileged user, and can write only where it may', () => {
    const [, user = ''] = /^USER (\d+):/m.exec(dockerfile) ?? []
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: Number(user) })
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(container.resources).toMatchObject({ requests: { memory: expect.any(String) } })
    const writable = container.volumeMounts.filter(
      ({ name }) => pod.volumes.find((volume) => volume.name === name)?.emptyDir,
    )
    expect(writable.map(({ mountPath }) => mountPath)).toContain(
      /^WORKDIR (.*)$/gm.exec(lastStage())?.[1] ?? '',
    )
  })

  test('mounts declared volumes', () => {
    const there = pod.volumes.map(({ name }) => name)
    expect(container.volumeMounts.map(({ name }) => name).toSorted()).toEqual(there.toSorted())
    for (const { configMap, secret } of pod.volumes) {
      if (configMap) expect(named('ConfigMap', configMap.name)).toBeDefined()
      if (secret) expect(named('Secret', secret.secretName)).toBeDefined()
    }
  })
})

test('selectors find their pods, and the Service finds the port of the board', () => {
  for (const { spec, template } of workloads) {
    if (spec.selector) expect(template.metadata.labels).toEqual(spec.selector.matchLabels ?? {})
  }
  const service = named('Service', 'pgtrek-board')?.spec
  const board = named('Deployment', 'pgtrek-board')?.spec
  expect(board?.template?.metadata.labels).toEqual(service?.selector ?? {})
  const [container] = board?.template?.spec.containers ?? []
  const ports = container?.ports ?? []
  expect(ports.map(({ name }) => name)).toEqual(service?.ports?.map(({ targetPort }) => targetPort) ?? [])
  expect(`${ports[0]?.containerPort}`).toBe(flag(container?.args ?? [], '--port') ?? '')
})

test('there is never a second board, and its token is long enough', () => {
  const { replicas, strategy } = named('Deployment', 'pgtrek-board')?.spec ?? {}
  expect({ replicas, strategy }).toEqual({ replicas: 1, strategy: { type: 'Recreate' } })
  expect(named('Secret', 'pgtrek')?.stringData?.token?.length).toBeGreaterThanOrEqual(16)
})

test('the configuration is valid for the program, with the secrets at their place in the pods', () => {
  const home = mkdtempSync(join(tmpdir(), 'pgtrek-kubernetes-'))
  try {
    const secrets = named('Secret', 'pgtrek')?.stringData ?? {}
    for (const [key, text] of Object.entries(secrets)) writeFileSync(join(home, key), text)
    const [[file = '', text = ''] = []] = Object.entries(named('ConfigMap', 'pgtrek')?.data ?? {})
    for (const { container } of containers.filter(({ container }) => container.args.includes('--config'))) {
      const [config, secret] = ['config', 'secrets'].map((volume) =>
        container.volumeMounts.find(({ name }) => name === volume),
      )
      expect(flag(container.args, '--config')).toBe(`${config?.mountPath}/${file}`)
      const path = join(home, `${container.name}.yaml`)
      writeFileSync(path, text.replaceAll(`${secret?.mountPath}/`, `${home}/`))
      const { queue, mappings } = readFleetConfig(path, {})
      expect(queue).toEqual({ url: secrets['queue-url'] ?? '' })
      expect(mappings.map(({ source }) => source)).toEqual([{ url: secrets['crm-source-url'] ?? '' }])
    }
  } finally {
    rmSync(home, { recursive: true })
  }
})

function lastStage(): string {
  return dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
}
