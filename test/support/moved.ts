// Two databases and the commands that move one to the other, each in a separate process.
import type { Home } from '../../tools/command.ts'
import type { TestDatabase } from '../../tools/servers/clusters.ts'

export class MovedByCommands implements Disposable {
  #directories = 0

  constructor(
    readonly home: Home,
    readonly source: TestDatabase,
    readonly destination: TestDatabase,
    /** False: each command has an empty state directory. */
    readonly remembers: boolean,
  ) {}

  get ends(): string[] {
    return ['--source', this.source.url, '--dest', this.destination.url]
  }

  /** For the next command; the last of them is its state directory. */
  flags(): string[] {
    const directory = this.remembers ? 'state' : `state-${++this.#directories}`
    return [...this.ends, '--state-dir', directory]
  }

  [Symbol.dispose]() {
    this.home[Symbol.dispose]()
  }
}
