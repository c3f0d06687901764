// Writes the log file. If it cannot be written, the run continues: this is reported once, and the latest lines are
// kept until the file can be written again.

import { closeSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { messageOf } from '../../shared/message-of.ts'
import { UsageError } from '../postgres/errors.ts'
import { next, type WriteEvent, type WriteState, writing } from '../store/write-state.ts'
import { makePrivateDirectory } from '../system/private-files.ts'

export interface LogOutputOptions {
  /** Called when writing fails, when it works again, and at the end with what is lost. */
  report?: ((message: string) => void) | undefined
  /** Milliseconds after a failure until the next line tries again (default: 2000). */
  retryMs?: number | undefined
  /** The line that replaces so many lost lines. */
  missing: (count: number) => string
}

const usualRetryMs = 2_000
/** Lines kept while the file cannot be written. */
const mostKept = 10_000
/** Errors of the system that may pass, unlike a wrong directory. */
const passing: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'EFBIG'])

export class LogOutput {
  #state: WriteState = writing
  #file: number | undefined
  /** Not yet written: the rest of a partly written line, and whole lines. */
  #rest: Uint8Array = new Uint8Array()
  #linesInRest = 0
  #lines: string[] = []
  #dropped = 0
  #triedAt = 0
  #isScheduled = false
  #isClosed = false

  /** Throws a UsageError if the file cannot be created: better before the run than during it. */
  constructor(
    readonly path: string,
    readonly options: LogOutputOptions,
  ) {
    try {
      this.#file = this.#open()
    } catch (cause) {
      if (!passing.has((cause as { code?: string }).code ?? '')) {
        throw new UsageError(`cannot write a log file to "${dirname(path)}": ${messageOf(cause)}`, { cause })
      }
      // Called later, because the caller may not be ready to report yet.
      queueMicrotask(() => this.#fail(cause))
    }
  }

  get isOpen(): boolean {
    return !this.#isClosed
  }

  /** The lines of one turn of the event loop are one write at its end, so that a crash loses no earlier ones. */
  add(line: string) {
    if (this.#isClosed) return
    this.#lines.push(line)
    if (this.#state.at === 'failing') this.#miss()
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      if (this.#isClosed || (this.#state.at === 'failing' && !this.#isDue)) return
      this.#flush()
    })
  }

  close() {
    if (this.#isClosed) return
    this.#flush()
    this.#isClosed = true
    if (this.#state.at === 'failing' && this.#state.missed > 0) {
      this.options.report?.(`the log file ${this.path} is not complete: lines missing: ${this.#state.missed}`)
    }
    if (this.#file !== undefined) closeSync(this.#file)
  }

  get #isDue(): boolean {
    return Date.now() - this.#triedAt >= (this.options.retryMs ?? usualRetryMs)
  }

  #flush() {
    this.#triedAt = Date.now()
    const note = this.#dropped > 0 ? this.options.missing(this.#dropped) : ''
    const text = Buffer.from(note + this.#lines.join(''))
    const bytes = Buffer.concat([this.#rest, text])
    let written = 0
    try {
      this.#file ??= this.#open()
      while (written < bytes.length) written += writeSync(this.#file, bytes, written)
    } catch (error) {
      // The rest of a partly written line is written before later lines.
      if (written > 0) this.#takeAsWritten(bytes.subarray(written))
      return this.#fail(error)
    }
    this.#takeAsWritten(new Uint8Array())
    if (this.#state.at === 'writing') return
    this.#enter({ type: 'written' })
    this.options.report?.(`the log file ${this.path} can be written again`)
  }

  #takeAsWritten(rest: Uint8Array) {
    this.#rest = rest
    this.#linesInRest = rest.reduce((count, byte) => (byte === newline ? count + 1 : count), 0)
    this.#lines = []
    this.#dropped = 0
  }

  #fail(error: unknown) {
    const reason = `the log file ${this.path} cannot be written (${messageOf(error)})`
    const isNew = this.#state.at === 'writing'
    this.#enter({ type: 'failed', now: Date.now(), reason })
    this.#miss()
    if (isNew) {
      this.options.report?.(
        `${reason}; the run continues, and the lines are written when there is room again`,
      )
    }
  }

  #miss() {
    const surplus = this.#lines.length - mostKept
    if (surplus > 0) {
      this.#lines.splice(0, surplus)
      this.#dropped += surplus
    }
    this.#enter({ type: 'missed', count: this.#linesInRest + this.#dropped + this.#lines.length })
  }

  #enter(event: WriteEvent) {
    this.#state = next(this.#state, event)
  }

  /** Readable by the owner only: an error of the server about a row can contain the row. */
  #open(): number {
    makePrivateDirectory(dirname(this.path))
    return openSync(this.path, 'a', 0o600)
  }
}

const newline = 10
