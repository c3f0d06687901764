// Builds the page with Vite, into client/dist.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const root = join(import.meta.dir, '../..')
/** A smaller one fits into one packet as it is. */
const leastBytes = 1400
const built = join(root, 'client', 'dist')

export interface PageFile {
  /** The path of its URL. */
  path: string
  file: string
}

export async function buildPage(): Promise<PageFile[]> {
  if (!existsSync(join(root, 'vite.config.ts'))) {
    throw new Error('there is no page to build: vite.config.ts is missing')
  }
  const child = Bun.spawn(
    [process.execPath, '--bun', join(root, 'node_modules', '.bin', 'vite'), 'build', '--logLevel', 'warn'],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [said, complained] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  if ((await child.exited) !== 0)
    throw new Error(`the page cannot be built:\n${complained.trim() || said.trim()}`)
  compressFiles()
  return pageFiles()
}

/** Beside each text of some size: in brotli, and in gzip for connections without TLS, over which browsers take no other. */
function compressFiles() {
  for (const { file } of pageFiles()) {
    if (!/\.(js|css|html|svg)$/.test(file)) continue
    const content = readFileSync(file)
    if (content.length < leastBytes) continue
    const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params: quality }))
    writeFileSync(`${file}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION }))
  }
}

/** The files of the last build. */
export function pageFiles(): PageFile[] {
  const names = [...new Bun.Glob('**/*').scanSync({ cwd: built, onlyFiles: true })].sort()
  const files = names.map((name) => ({ path: `/${name.split(sep).join('/')}`, file: join(built, name) }))
  if (!files.some(({ path }) => path === '/index.html')) {
    throw new Error(`the page has no index.html in ${relative(root, built)}`)
  }
  return files
}
