// The login with the token: a form without scripts, and a cookie that scripts cannot read.
import { Elysia } from 'elysia'
import { cookieName, type Guard } from '../guard.ts'
import { document } from './html.ts'

/** Delays a wrong token; the right one is not delayed. */
const delayMs = 500

export function loginRoutes(guard: Guard) {
  return new Elysia()
    .get(
      '/login',
      ({ query: { ticket } }) => {
        if (guard.cookie === undefined) return home()
        if (ticket === undefined) return page()
        if (!guard.takeTicket(ticket))
          return page('This link has been used already, or is of an earlier start.')
        return welcome(guard.cookie)
      },
      { detail: { hide: true } },
    )
    .post(
      '/login',
      async ({ body }) => {
        if (guard.cookie === undefined) return home()
        const form = new URLSearchParams(typeof body === 'string' ? body : '')
        if (!guard.isTokenRight(form.get('token')?.trim() ?? '')) {
          await Bun.sleep(delayMs)
          return page('That is not the token.')
        }
        return home(setCookie(guard.cookie))
      },
      { detail: { hide: true } },
    )
    .post(
      '/logout',
      () => new Response(null, { status: 303, headers: { location: '/login', 'set-cookie': gone } }),
      {
        detail: { hide: true },
      },
    )
}

/**
 * A page instead of a redirect: after a navigation from another site, browsers do not send such a cookie along a
 * redirect.
 */
function welcome(cookie: string): Response {
  const answer = document('pgtrek', '<p><a href="/">Open pgtrek</a></p>')
  answer.headers.set('set-cookie', setCookie(cookie))
  answer.headers.set('refresh', '0; url=/')
  return answer
}

function setCookie(cookie: string): string {
  return `${cookieName}=${cookie}; HttpOnly; SameSite=Strict; Path=/`
}

const gone = `${cookieName}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`

function home(cookie?: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location: '/', ...(cookie && { 'set-cookie': cookie }) },
  })
}

function page(complaint = ''): Response {
  const alert = complaint && `<p role="alert" class="bad">${complaint}</p>`
  return document(
    'pgtrek: log in',
    `<h1>pgtrek</h1>
    ${alert}
    <form method="post" action="/login">
      <label>Token <input name="token" type="password" autocomplete="current-password" required autofocus></label>
      <button>Log in</button>
    </form>
    <p>It was given with <code>--token</code>, or printed when pgtrek was started.</p>`,
    complaint ? 401 : 200,
  )
}
