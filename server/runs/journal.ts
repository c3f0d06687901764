// The records of one run: its progress, its log file, and its state in the store.

import type { MigrationEvent } from '../../shared/event.ts'
import { ProgressFold } from '../../shared/fold.ts'
import type { FollowLogLine } from '../../shared/follow-view.ts'
import { messageOf } from '../../shared/message-of.ts'
import { NoMemory, type RunMemory } from '../store/run-memory.ts'
import type { RunEnds, RunStore } from '../store/runs.ts'
import { tellMistake } from '../system/output.ts'
import { openLogFile } from './log-file.ts'

/** Where the records of a run are kept. */
export interface Records {
  /** Without a store, the run cannot be continued later. */
  store?: RunStore | undefined
  /** Without it there is no log file. */
  logDirectory?: string | undefined
}

export type Say = (level: FollowLogLine['level'], message: string) => void

export interface JournalOptions extends Records {
  /** Reports problems of the records themselves. */
  say: Say
}

export class Journal implements Disposable {
  readonly progress = new ProgressFold()
  readonly #log: ReturnType<typeof openLogFile> | undefined
  readonly #reports: Disposable | undefined
  #isRegistered = false

  /** `name`: of the log file. Throws a UsageError if the file cannot be created in the directory. */
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

  /** Messages about the run that are not events. */
  say(level: FollowLogLine['level'], message: string) {
    this.line({ at: Date.now(), level, message })
    this.options.say(level, message)
  }

  /** Warnings of the settings, before the run does anything. */
  warn({ source, destination }: RunEnds, more: readonly string[] = []) {
    for (const warning of [...more, ...source.warnings, ...destination.warnings]) this.say('warn', warning)
  }

  /** Registers the run in the store. */
  begin(run: string, ends: RunEnds): RunMemory {
    const { store } = this.options
    if (!store) return new NoMemory()
    const memory = store.begin(run, ends)
    this.#isRegistered = true
    return memory
  }

  event(event: MigrationEvent) {
    this.progress.apply(event)
    this.#log?.event(event)
  }

  line(line: FollowLogLine) {
    this.#log?.line(line)
  }

  /** Records the end of a run that was registered. A full disk does not undo what is committed. */
  end(run: string) {
    if (!this.#isRegistered) return
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
