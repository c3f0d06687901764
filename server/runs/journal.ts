// What is written down of a run while it lasts: its progress, its log file, and in the store how far it came.

import type { MigrationEvent } from '../../shared/event.ts'
import { ProgressFold } from '../../shared/fold.ts'
import type { FollowLogLine } from '../../shared/follow-view.ts'
import { messageOf } from '../../shared/message-of.ts'
import { NoMemory, type RunMemory } from '../store/run-memory.ts'
import type { RunEnds, RunStore } from '../store/runs.ts'
import { tellMistake } from '../system/output.ts'
import { openLogFile } from './log-file.ts'

/** Where runs are written down. */
export interface Records {
  /** Without it nobody remembers the run, and none can go on with it. */
  store?: RunStore | undefined
  /** Without it there is no log file. */
  logDirectory?: string | undefined
}

export type Say = (level: FollowLogLine['level'], message: string) => void

export interface JournalOptions extends Records {
  /** What goes wrong with the records themselves. */
  say: Say
}

export class Journal implements Disposable {
  readonly progress = new ProgressFold()
  readonly #log: ReturnType<typeof openLogFile> | undefined
  readonly #reports: Disposable | undefined
  #isBegun = false

  /** `name`: of the log file. Throws a UsageError when the directory is no place for one. */
  constructor(
    name: string,
    readonly options: JournalOptions,
  ) {
    const { store, logDirectory, say } = options
    if (logDirectory !== undefined) {
      this.#log = openLogFile(logDirectory, name, { report: (message) => say('warn', message) })
    }
    this.#reports = store?.database.reportTo((message) => this.say('warn', message))
  }

  /** About the run, and no event of it. */
  say(level: FollowLogLine['level'], message: string) {
    this.line({ at: Date.now(), level, message })
    this.options.say(level, message)
  }

  /** The run has its place in the store from here on. */
  begin(run: string, ends: RunEnds): RunMemory {
    const { store } = this.options
    if (!store) return new NoMemory()
    const memory = store.begin(run, ends)
    this.#isBegun = true
    return memory
  }

  event(event: MigrationEvent) {
    this.progress.apply(event)
    this.#log?.event(event)
  }

  line(line: FollowLogLine) {
    this.#log?.line(line)
  }

  /** Of a run that has begun. What is committed is not undone by a disk that is full. */
  end(run: string) {
    if (!this.#isBegun) return
    try {
      this.options.store?.end(run, this.progress.summary(Date.now()))
    } catch (error) {
      tellMistake(error)
      this.say('error', `the result could not be stored: ${messageOf(error)}`)
    }
  }

  [Symbol.dispose]() {
    this.#reports?.[Symbol.dispose]()
    this.#log?.close()
  }
}
