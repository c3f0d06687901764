// A process that publishes views of a followed database, as a test sees it.
import { join } from 'node:path'
import type { FollowAction, FollowView } from '../../shared/follow-view.ts'

export interface Publisher extends AsyncDisposable {
  readonly child: Bun.Subprocess
  /** Resolves when others can see it. */
  publish(view: FollowView): Promise<void>
  /** The next thing that it was asked. */
  asked(): Promise<FollowAction>
  /** Ends as one that was told to. */
  end(): Promise<void>
}

export function startPublisher(directory: string): Publisher {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'follow-publisher.ts'), directory], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const lines = linesOf(child.stdout)
  const actions: FollowAction[] = []
  async function next(): Promise<string> {
    const { value, done } = await lines.next()
    if (done) throw new Error('the publisher has ended')
    return value
  }
  return {
    child,
    async publish(view) {
      child.stdin.write(`${JSON.stringify(view)}\n`)
      child.stdin.flush()
      for (;;) {
        const line = await next()
        if (line === 'published') return
        actions.push(JSON.parse(line))
      }
    },
    async asked() {
      return actions.shift() ?? JSON.parse(await next())
    },
    async end() {
      child.stdin.end()
      await child.exited
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
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
