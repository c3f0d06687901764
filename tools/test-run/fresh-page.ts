// The page, built from the current files.
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buildPage, type PageFile, pageFiles } from '../compile/page.ts'

const root = join(import.meta.dir, '../..')
const sources = ['client/**/*.{ts,tsx,js,css,html,svg}', 'shared/**/*.ts', 'docs/**/*.md', 'vite.config.ts']

/** Built only when one of its sources is newer, or when Vite alone has built it: then its compressed files are missing. */
export async function freshPage(): Promise<PageFile[]> {
  const built = statSync(join(root, 'client/dist/index.html'), { throwIfNoEntry: false })
  const files = globSync(sources, { cwd: root, exclude: ['client/dist/**'] })
  const isCompressed = globSync('client/dist/assets/*.br', { cwd: root }).length > 0
  const isNewer = files.every((file) => statSync(join(root, file)).mtimeMs <= (built?.mtimeMs ?? 0))
  return isNewer && isCompressed ? pageFiles() : await buildPage()
}
