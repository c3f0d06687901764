// The dashboard: reads the view of a controller a few times a second, draws it, and sends the requests of keys.

import type { FollowController } from '../../../shared/follow-action.ts'
import type { FollowView } from '../../../shared/follow-view.ts'
import { messageOf } from '../../../shared/message-of.ts'
import type { TerminalStream } from '../render/screen.ts'
import { styleFor } from '../render/style.ts'
import type { Effect } from './effect.ts'
import { frame } from './frame.ts'
import { FullScreen, type Keyboard, listen } from './full-screen.ts'
import { guardTerminal } from './guard.ts'
import { type Key, KeyReader } from './keys.ts'
import { newState, press, type State, withMessage, withoutOutdated } from './state.ts'

export interface DashboardOptions {
  controller: FollowController
  /** Set if this process follows: leaving asks whether to stop it, and its end closes the dashboard. */
  ended?: Promise<unknown> | undefined
  stream?: DashboardStream
  keyboard?: Keyboard
  environment?: Record<string, string | undefined>
  /** Milliseconds between two updates. */
  refresh?: number
}

export interface DashboardStream extends TerminalStream {
  on?(event: 'resize', listener: () => void): unknown
  off?(event: 'resize', listener: () => void): unknown
}

/**
 * `left`: closed by the user, following continues; `interrupted`: the same by Ctrl-C; `ended`: the move has ended;
 * `gone`: no longer in the state directory.
 */
export type DashboardEnd = 'left' | 'interrupted' | 'ended' | 'gone'

export const usualRefresh = 500
/** The bytes of one key arrive together. Without further bytes in this time it was the Escape key. */
const escapeMs = 50
const messageMs = 8_000

/** The terminal must allow drawing and reading keys. */
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
  let messageTimer: ReturnType<typeof setTimeout> | undefined
  let escapeTimer: ReturnType<typeof setTimeout> | undefined

  using screen = new FullScreen(stream)
  // Disposed before the screen is.
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
    // The starter of the run reports the reason.
    () => end.resolve('ended'),
  )
  try {
    attempt(look)()
    return await end.promise
  } finally {
    clearInterval(timer)
    clearTimeout(messageTimer)
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
      if (state !== before) hideMessageLater()
      showReport(view)
    }
    draw()
  }

  /** A new report opens the details. */
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
      if (after.message !== state.message) hideMessageLater()
      state = after
      if (effect) take(effect)
      // Keys that were typed before the question was drawn do not answer it.
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
        // A terminal in raw mode sends no signal for Ctrl-C, and a process that follows waits for the signal.
        return ended ? process.kill(process.pid, 'SIGINT') : end.resolve('interrupted')
      case 'act':
        return void ask(effect)
    }
  }

  async function ask({ action, saying }: Extract<Effect, { type: 'act' }>) {
    if (isAsking) return showMessage('the previous request is still pending', 'caution')
    isAsking = true
    state = withMessage(state, `${saying}${style.signs.ellipsis}`)
    clearTimeout(messageTimer)
    try {
      const { ok, message } = await controller.act(action)
      showMessage(message, ok ? 'good' : 'bad')
    } catch (error) {
      showMessage(messageOf(error), 'bad')
    } finally {
      isAsking = false
    }
    attempt(look)()
  }

  function showMessage(text: string, tone: 'good' | 'caution' | 'bad') {
    state = withMessage(state, text, tone)
    hideMessageLater()
  }

  function hideMessageLater() {
    clearTimeout(messageTimer)
    messageTimer = setTimeout(
      attempt(() => {
        state = { ...state, message: undefined }
        draw()
      }),
      messageMs,
    )
  }

  /** An error in a timer or a key closes the dashboard and restores the terminal. */
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
