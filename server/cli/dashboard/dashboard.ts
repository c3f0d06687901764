// The dashboard: looks at a controller a few times a second, shows what it sees, and asks what it is told by keys.

import type { FollowController, FollowView } from '../../../shared/follow-view.ts'
import { messageOf } from '../../../shared/message-of.ts'
import type { TerminalStream } from '../render/screen.ts'
import { styleFor } from '../render/style.ts'
import type { Effect } from './effect.ts'
import { frame } from './frame.ts'
import { FullScreen, type Keyboard, listen } from './full-screen.ts'
import { guardTerminal } from './guard.ts'
import { type Key, KeyReader } from './keys.ts'
import { newState, press, type State, told, withoutOutdated } from './state.ts'

export interface DashboardOptions {
  controller: FollowController
  /** The following is this process's own: leaving asks whether to end it, and its end ends the dashboard. */
  ended?: Promise<unknown> | undefined
  stream?: DashboardStream
  keyboard?: Keyboard
  environment?: Record<string, string | undefined>
  /** Milliseconds between two looks. */
  refresh?: number
}

export interface DashboardStream extends TerminalStream {
  on?(event: 'resize', listener: () => void): unknown
  off?(event: 'resize', listener: () => void): unknown
}

/**
 * `left`: its user wants to see it no longer, and the following goes on; `interrupted`: the same by Ctrl-C;
 * `ended`: what it showed has ended; `gone`: no longer in the state directory.
 */
export type DashboardEnd = 'left' | 'interrupted' | 'ended' | 'gone'

export const usualRefresh = 500
/** A sequence of bytes for one key comes at once; the Escape key alone is recognised by nothing after it. */
const escapeMs = 50
const toldMs = 8_000

/** It needs a terminal that can be drawn on and typed at. */
export function canShowDashboard(
  environment: Record<string, string | undefined> = process.env,
  { stdin, stdout }: { stdin: { isTTY?: boolean }; stdout: { isTTY?: boolean } } = process,
): boolean {
  return stdin.isTTY === true && stdout.isTTY === true && environment.TERM !== 'dumb'
}

export async function showDashboard(options: DashboardOptions): Promise<DashboardEnd> {
  const { controller, ended, stream = process.stdout, keyboard = process.stdin } = options
  const style = styleFor(true, options.environment)
  const end = Promise.withResolvers<DashboardEnd>()
  const reader = new KeyReader()
  let state: State = newState()
  let view: FollowView | undefined
  let page = 1
  let most = 0
  let isAsking = false
  let hadReport: boolean | undefined
  let toldTimer: ReturnType<typeof setTimeout> | undefined
  let escapeTimer: ReturnType<typeof setTimeout> | undefined

  using screen = new FullScreen(stream)
  // After the screen, so that it is undone before it.
  using keys = listen(
    keyboard,
    attempt((text: string) => {
      clearTimeout(escapeTimer)
      pressAll(reader.read(text))
      if (reader.isWaiting) escapeTimer = setTimeout(flushed, escapeMs)
    }),
  )
  using _ = guardTerminal(() => {
    keys[Symbol.dispose]()
    screen[Symbol.dispose]()
  })
  const flushed = attempt(() => pressAll(reader.flush()))
  const redraw = attempt(draw)
  const timer = setInterval(attempt(look), options.refresh ?? usualRefresh)
  stream.on?.('resize', redraw)
  ended?.then(
    () => end.resolve('ended'),
    // Whoever has begun it hears of the reason, too.
    () => end.resolve('ended'),
  )
  try {
    attempt(look)()
    return await end.promise
  } finally {
    clearInterval(timer)
    clearTimeout(toldTimer)
    clearTimeout(escapeTimer)
    stream.off?.('resize', redraw)
  }

  function look() {
    const seen = controller.view()
    if (view && !seen) end.resolve('gone')
    view = seen
    if (view) {
      const before = state
      state = withoutOutdated(state, view)
      if (state !== before) forgetLater()
      showReport(view)
    }
    draw()
  }

  /** A report that comes while somebody looks is what they have waited for. */
  function showReport({ switchover }: FollowView) {
    const hasReport = switchover?.report !== undefined
    if (hasReport && hadReport === false) state = { ...state, pane: 'facts' }
    hadReport = hasReport
  }

  function draw() {
    const drawn = frame(view, state, screen.size, Date.now(), style)
    page = drawn.page
    most = drawn.most
    screen.draw(drawn.lines)
  }

  function pressAll(pressed: Key[]) {
    for (const key of pressed) {
      const hadDialog = state.dialog !== undefined
      const scroll = { ...state.scroll, [state.pane]: Math.min(state.scroll[state.pane], most) }
      const { state: after, effect } = press({ ...state, scroll }, key, {
        view,
        own: ended !== undefined,
        page,
      })
      if (after.told !== state.told) forgetLater()
      state = after
      if (effect) take(effect)
      // Whatever was typed before the question could be read does not answer it.
      if (!hadDialog && state.dialog) break
      draw()
    }
    draw()
  }

  function take(effect: Effect) {
    switch (effect.type) {
      case 'leave':
        return end.resolve('left')
      case 'interrupt':
        // Of a terminal that sends keys one by one Ctrl-C is only a key; whoever follows here waits for the signal.
        return ended ? process.kill(process.pid, 'SIGINT') : end.resolve('interrupted')
      case 'act':
        return void ask(effect)
    }
  }

  async function ask({ action, saying }: Extract<Effect, { type: 'act' }>) {
    if (isAsking) return tell('the previous request is still pending', 'caution')
    isAsking = true
    state = told(state, `${saying}${style.signs.ellipsis}`)
    clearTimeout(toldTimer)
    try {
      const { ok, message } = await controller.act(action)
      tell(message, ok ? 'good' : 'bad')
    } catch (error) {
      tell(messageOf(error), 'bad')
    } finally {
      isAsking = false
    }
    attempt(look)()
  }

  function tell(text: string, tone: 'good' | 'caution' | 'bad') {
    state = told(state, text, tone)
    forgetLater()
  }

  function forgetLater() {
    clearTimeout(toldTimer)
    toldTimer = setTimeout(
      attempt(() => {
        state = { ...state, told: undefined }
        draw()
      }),
      toldMs,
    )
  }

  /** What a timer or a key meets with ends the dashboard, with the terminal as it was. */
  function attempt<Given extends unknown[]>(work: (...given: Given) => void): (...given: Given) => void {
    return (...given) => {
      try {
        work(...given)
      } catch (error) {
        end.reject(error)
      }
    }
  }
}
