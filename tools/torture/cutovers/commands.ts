// Runs `pgtrek` as a process and reads its lines while it runs, so that a fault can be injected at one of them.
import { cleanEnvironment } from '../../command.ts'
import { eventually, within } from '../../eventually.ts'
import { program } from '../../program.ts'

/** Only a command that hangs takes this long. */
const longestRunMs = 90_000

export class Running implements AsyncDisposable {
  readonly lines: string[] = []
  readonly #child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  readonly #read: Promise<unknown>

  constructor(
    readonly directory: string,
    readonly args: readonly string[],
  ) {
    this.#child = Bun.spawn([...program, ...args], {
      cwd: directory,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: cleanEnvironment(),
    })
    this.#read = Promise.all([this.#listen(this.#child.stdout), this.#listen(this.#child.stderr)])
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL') {
    this.#child.kill(signal)
  }

  /** Resolves when this many lines match, or the command has ended. */
  async reaches(pattern: RegExp, count = 1): Promise<void> {
    await eventually(
      `${count} lines of pgtrek ${this.args[0]} that match ${pattern}`,
      () => ({
        count: this.lines.filter((line) => pattern.test(line)).length,
        isRunning: this.isRunning,
        last: this.lines.slice(-5),
      }),
      (now) => now.count >= count || !now.isRunning,
    )
  }

  /** Its exit code; undefined when a signal has ended it. Rejects when it hangs. */
  async ended(): Promise<number | undefined> {
    const words = `the end of pgtrek ${this.args.join(' ')}`
    await within(words, this.#child.exited, longestRunMs, () => this.lines.slice(-20))
    await this.#read
    return this.#child.exitCode ?? undefined
  }

  async [Symbol.asyncDispose]() {
    if (this.isRunning) this.kill()
    await this.#child.exited
  }

  async #listen(stream: ReadableStream<Uint8Array>) {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      this.lines.push(...parts.filter(Boolean))
    }
    if (rest) this.lines.push(rest)
  }
}
