// Sends messages about a fleet to hooks: a chat, a pager, a script. Nothing waits for them, and their failures do not
// affect the fleet. The URL of a hook is a secret: only its host is ever printed.

import type { FleetNotification } from '../../shared/fleet.ts'
import { formatCount } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'
import { pauseUnlessAborted } from '../system/deadline.ts'
import { type FleetEvent, payloadOf } from './notify-format.ts'

export type { FleetEvent }

export interface Pace {
  /**
   * Least time between two messages to one hook, because chats limit the rate. Events in between are sent together.
   */
  gapMs: number
  /** Pause before the second attempt; it doubles with each further one. */
  firstPauseMs: number
  longestPauseMs: number
  attempts: number
  /** Timeout of an answer. */
  patienceMs: number
}

const usualPace: Pace = {
  gapMs: 1_000,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  attempts: 6,
  patienceMs: 15_000,
}
/** Slack accepts 50 blocks, but longer messages are hard to read. */
const mostInOne = 40
/** Limits the memory while a hook does not answer for hours. */
const mostWaiting = 5_000

export class Notifier {
  readonly #hooks: Hook[]
  readonly #sent = new Sent()

  /** `say`: writes a line to the log. */
  constructor(
    notifications: readonly FleetNotification[],
    say: (warning: string) => void,
    pace: Partial<Pace> = {},
  ) {
    this.#hooks = notifications.map((notification) => new Hook(notification, say, { ...usualPace, ...pace }))
  }

  /** Returns at once. An event that repeats the last one of the same place is not sent. */
  tell(event: FleetEvent) {
    if (this.#hooks.length === 0 || isRepeated(this.#sent, event)) return
    for (const hook of this.#hooks) hook.tell({ ...event, at: Date.now() })
  }

  /** Sends the waiting events until the signal aborts; new ones are not accepted. */
  async close(signal: AbortSignal = AbortSignal.timeout(10_000)): Promise<void> {
    await Promise.all(this.#hooks.map((hook) => hook.close(signal)))
  }
}

class Hook {
  #waiting: (FleetEvent & { at: number })[] = []
  #lost = 0
  #sending: Promise<void> | undefined
  #isClosing = false
  readonly #stop = new AbortController()

  constructor(
    readonly notification: FleetNotification,
    readonly say: (warning: string) => void,
    readonly pace: Pace,
  ) {}

  tell(event: FleetEvent & { at: number }) {
    if (this.#isClosing || !this.notification.on.includes(event.kind)) return
    this.#waiting.push(event)
    if (this.#waiting.length > mostWaiting) {
      this.#waiting.shift()
      this.#lost++
    }
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  async close(signal: AbortSignal) {
    this.#isClosing = true
    const stop = () => this.#stop.abort()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    try {
      await this.#sending
    } finally {
      signal.removeEventListener('abort', stop)
    }
    if (this.#waiting.length > 0)
      this.say(say`${this.#name}: ${formatCount(this.#waiting.length, 'message')} not sent`)
    this.#waiting = []
  }

  async #sendAll() {
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      const events = this.#waiting.splice(0, mostInOne)
      const problem = await this.#send(events)
      if (problem !== undefined) {
        this.say(say`${this.#name}: ${formatCount(events.length, 'message')} not delivered: ${problem}`)
      }
      if (this.#lost > 0) {
        this.say(
          say`${this.#name}: ${formatCount(this.#lost, 'message')} dropped, because too many were waiting`,
        )
        this.#lost = 0
      }
      if (!this.#isClosing) await pauseUnlessAborted(this.pace.gapMs, this.#stop.signal)
    }
  }

  /** Undefined after success, otherwise the last error. */
  async #send(events: readonly (FleetEvent & { at: number })[]): Promise<string | undefined> {
    const body = JSON.stringify(payloadOf(this.notification, events))
    let wait = this.pace.firstPauseMs
    for (let attempt = 1; ; attempt++) {
      const outcome = await post(
        this.notification.url,
        body,
        AbortSignal.any([this.#stop.signal, AbortSignal.timeout(this.pace.patienceMs)]),
      )
      if (outcome === 'delivered') return undefined
      const { problem, again, afterMs = 0 } = outcome
      if (!again || attempt >= this.pace.attempts || this.#stop.signal.aborted) return problem
      await pauseUnlessAborted(Math.min(Math.max(wait, afterMs), this.pace.longestPauseMs), this.#stop.signal)
      if (this.#stop.signal.aborted) return problem
      wait *= 2
    }
  }

  get #name(): string {
    return say`notifications to ${new URL(this.notification.url).host}`
  }
}

type Outcome = 'delivered' | { problem: string; again: boolean; afterMs?: number }

async function post(url: string, body: string, signal: AbortSignal): Promise<Outcome> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal,
      // The message is for that host only.
      redirect: 'manual',
    })
    // Read to the end, so that the connection can be reused. The answer is ignored, since it may contain the URL.
    await answer.arrayBuffer()
    if (answer.ok) return 'delivered'
    const { status } = answer
    const again = status === 408 || status === 429 || status >= 500
    const seconds = Number(answer.headers.get('retry-after') ?? 0)
    return {
      problem: say`it answered HTTP ${status}`,
      again,
      ...(seconds > 0 && { afterMs: seconds * 1000 }),
    }
  } catch (error) {
    return { problem: reasonOf(error), again: true }
  }
}

/** The message of such an error may contain the URL; its code and its name do not. */
function reasonOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  if (name === 'TimeoutError') return say`no answer within the time limit`
  return typeof code === 'string' && code !== '' ? code : String(name)
}

/** The last event sent, by place and kind, so that the same message is not sent twice. */
export class Sent {
  readonly #last = new Map<string, Map<FleetEvent['kind'], string>>()

  at({ mapping, database }: FleetEvent): Map<FleetEvent['kind'], string> {
    const place = `${mapping}\0${database ?? ''}`
    const known = this.#last.get(place)
    if (known) return known
    const fresh = new Map<FleetEvent['kind'], string>()
    this.#last.set(place, fresh)
    return fresh
  }
}

/**
 * A problem that recurs with every attempt is reported once. It is reported again after a success in between, and so
 * is readiness after a problem.
 */
function isRepeated(sent: Sent, event: FleetEvent): boolean {
  const last = sent.at(event)
  const text = `${event.state}\0${event.message}`
  if (last.get(event.kind) === text) return true
  last.set(event.kind, text)
  for (const other of endedBy[event.kind]) last.delete(other)
  return false
}

const endedBy: Record<FleetEvent['kind'], FleetEvent['kind'][]> = {
  phase: [],
  problem: ['ready', 'done'],
  ready: ['problem'],
  done: ['problem', 'ready'],
}
