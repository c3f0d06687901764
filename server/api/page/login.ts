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
      ({ query: { ticket }, request }) => {
        if (guard.cookie === undefined) return home()
        if (ticket === undefined) return page(request)
        if (!guard.takeTicket(ticket)) return page(request, 'used')
        return welcome(guard.cookie)
      },
      { detail: { hide: true } },
    )
    .post(
      '/login',
      async ({ body, request }) => {
        if (guard.cookie === undefined) return home()
        const form = new URLSearchParams(typeof body === 'string' ? body : '')
        if (!guard.isTokenRight(form.get('token')?.trim() ?? '')) {
          await Bun.sleep(delayMs)
          return page(request, 'wrong')
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
  const answer = document({
    title: 'pgtrek',
    body: '<main class="plain"><p><a href="/">pgtrek</a></p></main>',
  })
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

function page(request: Request, complaint?: keyof typeof texts.en.complaints): Response {
  const language = languageOf(request)
  const say = texts[language]
  const alert = complaint
    ? `<p role="alert" id="complaint"><strong>${say.complaints[complaint]}</strong></p>`
    : ''
  const invalid = complaint
    ? ' aria-invalid="true" aria-describedby="complaint where"'
    : ' aria-describedby="where"'
  return document({
    title: say.title,
    language,
    status: complaint ? 401 : 200,
    body: `<main class="plain">
<p class="brand">pgtrek</p>
<section class="panel" aria-labelledby="login">
<h1 id="login">${say.heading}</h1>
${alert}
<form method="post" action="/login">
<label>${say.token} <input name="token" type="password" autocomplete="current-password" required autofocus${invalid}></label>
<p><button class="primary">${say.button}</button></p>
</form>
<div id="where">
<h2>${say.where}</h2>
<ul>${say.places.map((place) => `<li>${place}</li>`).join('')}</ul>
</div>
</section>
</main>`,
  })
}

/** The one that the browser prefers; by default English. */
function languageOf(request: Request): 'en' | 'ja' {
  const tags = (request.headers.get('accept-language') ?? '').toLowerCase().split(',')
  const weighed = tags.map((tag) => {
    const [name = '', ...parameters] = tag.trim().split(';')
    const weight = parameters
      .find((one) => one.trim().startsWith('q='))
      ?.trim()
      .slice(2)
    return { name: name.slice(0, 2), weight: weight === undefined ? 1 : Number(weight) || 0 }
  })
  const known = weighed.filter(({ name, weight }) => weight > 0 && (name === 'en' || name === 'ja'))
  const [first] = known.toSorted((one, other) => other.weight - one.weight)
  return first?.name === 'ja' ? 'ja' : 'en'
}

const texts = {
  en: {
    title: 'pgtrek: log in',
    heading: 'Log in',
    token: 'Token',
    button: 'Log in',
    complaints: {
      wrong: 'That is not the token of this pgtrek. Check it and enter it again.',
      used: 'This link was already used, or is of an earlier start. Enter the token instead.',
    },
    where: 'Where the token is',
    places: [
      'In the output of <code>pgtrek serve</code>: a generated token is printed once, at the start.',
      'In what was given at the start: <code>--token</code>, or <code>PGTREK_TOKEN</code> in its environment.',
      'If it is lost, stop pgtrek and start it again with <code>pgtrek serve --token</code>: it prints a new one.',
    ],
  },
  ja: {
    title: 'pgtrek：ログイン',
    heading: 'ログイン',
    token: 'トークン',
    button: 'ログイン',
    complaints: {
      wrong: 'この pgtrek のトークンと一致しません。確認して、もう一度入力してください。',
      used: 'このリンクは使用済みか、以前に起動した pgtrek のものです。トークンを入力してください。',
    },
    where: 'トークンの確認方法',
    places: [
      '<code>pgtrek serve</code> の出力：自動生成したトークンは、起動時に一度だけ表示されます。',
      '起動時の指定：<code>--token</code>、または環境変数 <code>PGTREK_TOKEN</code> の値です。',
      'わからない場合は、pgtrek を停止し、<code>pgtrek serve --token</code> で起動し直すと、新しいトークンが表示されます。',
    ],
  },
}
