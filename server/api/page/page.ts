// Serves the page: from the executable, or from client/dist when run from source.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type AnyElysia, Elysia } from 'elysia'
import { acceptedOf, encodings } from '../compression.ts'
import { embeddedPage } from './embedded-page.ts'
import { document } from './html.ts'

const built = join(import.meta.dir, '../../../client/dist')
/** All views of the page use the same document. */
const views = ['/', '/help']
/** What the build adds to the name of a file that it compresses. */
const suffixes = { br: '.br', gzip: '.gz' }
const hidden = { detail: { hide: true } }

/** `files`: those in the executable, by the path of their URL. */
export async function pageRoutes(files = embeddedPage): Promise<AnyElysia> {
  if (files.size > 0) return fromExecutable(files)
  return existsSync(join(built, 'index.html')) ? await fromFolder(built) : placeholder()
}

function fromExecutable(files: ReadonlyMap<string, string>): AnyElysia {
  const app = new Elysia()
  for (const [path, file] of files) {
    if (encodings.some((encoding) => path.endsWith(suffixes[encoding]))) continue
    // The build puts a digest of the content into the names of these files.
    const isLasting = path.startsWith('/assets/')
    const headers = {
      'content-type': Bun.file(path).type,
      'cache-control': isLasting ? 'public, max-age=31536000, immutable' : 'no-cache',
    }
    const there = encodings.filter((encoding) => files.has(path + suffixes[encoding]))
    const answer = ({ request }: { request: Request }) => {
      const encoding = acceptedOf(request, there)
      const smaller = encoding && files.get(path + suffixes[encoding])
      return new Response(Bun.file(smaller ?? file), {
        headers: {
          ...headers,
          ...(there.length > 0 && { vary: 'accept-encoding' }),
          ...(encoding && { 'content-encoding': encoding }),
        },
      })
    }
    app.get(path, answer, hidden)
    if (path === '/index.html') for (const view of views) app.get(view, answer, hidden)
  }
  return app
}

async function fromFolder(assets: string): Promise<AnyElysia> {
  const { staticPlugin } = await import('@elysiajs/static')
  const app = new Elysia().use(
    // Each file has its own route, so that no path can leave the folder.
    await staticPlugin({
      assets,
      prefix: '/',
      alwaysStatic: true,
      maxAge: null,
      directive: 'no-cache',
      ...hidden,
    }),
  )
  const index = () =>
    new Response(Bun.file(join(assets, 'index.html')), {
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' },
    })
  for (const view of views) app.get(view, index, hidden)
  return app
}

function placeholder(): AnyElysia {
  const answer = () =>
    document({
      title: 'pgtrek',
      body: `<main class="plain"><h1>pgtrek</h1>
      <p>The page has not been built: run <code>npm run page</code> and start again.</p>
      <p>API: <a href="/openapi">reference</a>.</p></main>`,
    })
  return new Elysia().get('/', answer, hidden)
}
