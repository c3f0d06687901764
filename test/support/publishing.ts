// Views of a followed database that other processes can see, published through the real store as if a process
// followed it. Requests from other processes arrive through the store too.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { FollowStore } from '../../server/store/follows.ts'
import { RunStore } from '../../server/store/runs.ts'
import type { FollowAction } from '../../shared/follow-action.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { eventually, within } from '../../tools/eventually.ts'

export interface Publisher extends AsyncDisposable {
  /** Resolves when other processes can see it. */
  publish(view: FollowView): Promise<void>
  /** The next request. */
  asked(): Promise<FollowAction>
  /** Ends as after a stop request. */
  end(): Promise<void>
}

/** A publisher that can be killed. */
export interface PublisherProcess extends Publisher {
  readonly child: Bun.Subprocess
}

const publishEveryMs = 20

/** Publishes its view again and again, and answers requests. */
export class Publication implements Disposable {
  readonly #runs: RunStore
  readonly #store: FollowStore
  readonly #timer: ReturnType<typeof setInterval>
  #view: FollowView | undefined

  constructor(
    directory: string,
    readonly onAction: (action: FollowAction) => void,
  ) {
    this.#runs = new RunStore(directory)
    this.#store = new FollowStore(this.#runs.database)
    this.#timer = setInterval(() => this.#answer(), publishEveryMs)
  }

  publish(view: FollowView) {
    if (this.#view === undefined) this.#store.take(view.name)
    this.#view = view
    const worker = { host: hostname(), pid: process.pid }
    this.#store.publish({ ...view, updated_at: Date.now(), process: worker })
  }

  end() {
    clearInterval(this.#timer)
    if (!this.#view) return
    const { process: _, ...last } = this.#view
    this.#store.publish({ ...last, updated_at: Date.now() })
    this.#store.release(last.name)
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer)
    this.#runs[Symbol.dispose]()
  }

  #answer() {
    if (!this.#view) return
    this.publish(this.#view)
    for (const { id, action } of this.#store.asked(this.#view.name)) {
      this.onAction(action)
      if (action.type === 'pause') this.publish({ ...this.#view, state: 'paused' })
      if (action.type === 'resume') this.publish({ ...this.#view, state: 'running' })
      this.#store.answer(id, { ok: action.type !== 'retry', message: `heard ${action.type}` })
    }
  }
}

/** In this process. */
export function publishHere(directory: string): Publisher {
  const actions: FollowAction[] = []
  const publication = new Publication(directory, (action) => actions.push(action))
  return {
    publish: async (view) => publication.publish(view),
    asked: () => nextOf(actions),
    end: async () => publication.end(),
    [Symbol.asyncDispose]: async () => publication[Symbol.dispose](),
  }
}

/** In a separate process. */
export function startPublisher(directory: string): PublisherProcess {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'follow-publisher.ts'), directory], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const actions: FollowAction[] = []
  let published = 0
  const reading = (async () => {
    for await (const line of linesOf(child.stdout)) {
      if (line === 'published') published++
      else actions.push(JSON.parse(line))
    }
  })()
  const ended = () => within('the end of the publisher', Promise.all([child.exited, reading]))
  return {
    child,
    async publish(view) {
      const before = published
      child.stdin.write(`${JSON.stringify(view)}\n`)
      child.stdin.flush()
      await eventually('the view to be published', () => published > before)
    },
    asked: () => nextOf(actions),
    async end() {
      child.stdin.end()
      await ended()
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended()
    },
  }
}

async function nextOf(actions: FollowAction[]): Promise<FollowAction> {
  return await eventually('a request', () => actions.shift())
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  return undefined
}
