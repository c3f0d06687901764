// The page's bundle: from client/ to client/dist, and in development served here with the API behind it.
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vite'
import solid from 'vite-plugin-solid'

const server = process.env.PGTREK_API ?? 'http://127.0.0.1:8080'

export default defineConfig({
  root: join(import.meta.dirname, 'client'),
  plugins: [solid(), markdown(), defaults(), languages()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: false,
    // The page's policy forbids data: URLs for scripts and styles, and there is little to gain by them.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    // The page needs the types of the schemas, seldom the schemas.
    rollupOptions: {
      treeshake: {
        manualPureFunctions: ['Type', 'oneOf', 'nullable', 'loose', 'flag', 'patterns'],
      },
    },
  },
  server: {
    proxy: {
      // The server refuses requests of other sites, and to it the development server is one.
      '/api': { target: server, changeOrigin: true, headers: { origin: server } },
      '/ws': {
        target: server.replace(/^http/, 'ws'),
        ws: true,
        changeOrigin: true,
        headers: { origin: server },
      },
    },
  },
})

/** `import page from '../docs/page.md'` gives HTML, made while building: the help page is the docs' own text. */
function markdown(): Plugin {
  return {
    name: 'pgtrek-markdown',
    transform(text, id) {
      if (!id.endsWith('.md')) return
      if (typeof Bun === 'undefined') this.error('the page is built with Bun: bun --bun vite build')
      // What scrolls sideways must be reachable with the keyboard.
      const html = Bun.markdown
        .html(text)
        .replaceAll('<pre>', '<pre tabindex="0">')
        // Pages of docs/ are not part of the page: their names stay, without a link.
        .replace(/<a href="[^":]*\.md(?:#[^"]*)?">(.*?)<\/a>/gs, '$1')
        // Japanese has no spaces between words, so the end of a line is none.
        .replace(/([\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])/g, '$1')
      return { code: `export default ${JSON.stringify(html)}`, map: null }
    },
  }
}

/** The values of shared/defaults.ts. With the module itself, the page would load the schemas and the library that reads them. */
function defaults(): Plugin {
  return {
    name: 'pgtrek-defaults',
    enforce: 'pre',
    async transform(_, id) {
      if (!id.endsWith('/shared/defaults.ts')) return
      const values: object = await import(id)
      const code = Object.entries(values).map(
        ([name, value]) => `export const ${name} = ${JSON.stringify(value)}`,
      )
      return { code: code.join('\n'), map: null }
    },
  }
}

/** Names the files of the languages in index.html, so that first.js can load the right one before the page asks for it. */
function languages(): Plugin {
  return {
    name: 'pgtrek-languages',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const files = Object.values(bundle ?? {}).flatMap((file) =>
          file.type === 'chunk' && /i18n\/(en|ja)\.ts$/.test(file.facadeModuleId ?? '')
            ? `/${file.fileName}`
            : [],
        )
        if (bundle && files.length !== 2) this.error(`languages of the page: ${files.join(', ') || 'none'}`)
        return html.replace('data-words=""', `data-words="${files.join(' ')}"`)
      },
    },
  }
}
