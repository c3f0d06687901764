// Documents that need no build of the page: the login and the API reference, in the page's colours and sizes.
/// <reference path="./style.d.ts" />
// biome-ignore-start lint/style/noRestrictedImports: its style sheets are the only thing of the page that the server uses
import base from '../../../client/design/base.css' with { type: 'text' }
import controls from '../../../client/design/controls.css' with { type: 'text' }
import tokens from '../../../client/design/tokens.css' with { type: 'text' }
// biome-ignore-end lint/style/noRestrictedImports: see above
import plain from './plain.css' with { type: 'text' }
import reference from './reference.css' with { type: 'text' }

export interface PlainDocument {
  title: string
  body: string
  status?: number
  language?: 'en' | 'ja'
  /** Path of a script that runs before the body is shown. */
  script?: string
}

export function document({ title, body, status = 200, language = 'en', script }: PlainDocument): Response {
  const text = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${/* With the policy of the header, a browser sends the form as from "null", which the guard refuses. */ ''}<meta name="referrer" content="same-origin">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="/pgtrek-plain.css">
${script ? `<script src="${script}"></script>\n` : ''}</head>
<body>
${body}
</body>
</html>
`
  return new Response(text, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  })
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Served without a token, since it contains nothing secret. */
export const plainStyle = [tokens, base, controls, plain, reference].join('\n')
