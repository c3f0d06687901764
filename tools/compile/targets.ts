// One executable for each platform, and their checksums.

import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf } from '../../shared/message-of.ts'

export const targets = [
  'bun-linux-x64',
  'bun-linux-arm64',
  'bun-linux-x64-musl',
  'bun-linux-arm64-musl',
  'bun-darwin-x64',
  'bun-darwin-arm64',
  'bun-windows-x64',
] as const

export interface Built {
  target: string
  path: string
}

export interface NotBuilt {
  target: string
  reason: string
}

type Compile = (options: { outfile: string; target: string }) => Promise<string>

/** A target that cannot be built does not stop the others; the checksums are those of the built ones. */
export async function compileAll(directory: string, compile: Compile) {
  await mkdir(directory, { recursive: true })
  const built: Built[] = []
  const failed: NotBuilt[] = []
  for (const target of targets) {
    try {
      const outfile = join(directory, target.replace(/^bun-/, 'pgtrek-'))
      built.push({ target, path: await compile({ outfile, target }) })
    } catch (error) {
      failed.push({ target, reason: reasonOf(error) })
    }
  }
  await Bun.write(join(directory, 'SHA256SUMS'), await checksums(built.map(({ path }) => path)))
  return { built, failed }
}

/** In the format of `sha256sum -c`. */
export async function checksums(paths: readonly string[]): Promise<string> {
  const lines: string[] = []
  for (const path of paths) {
    const hash = new Bun.CryptoHasher('sha256')
    for await (const chunk of Bun.file(path).stream()) hash.update(chunk)
    lines.push(`${hash.digest('hex')}  ${basename(path)}\n`)
  }
  return lines.join('')
}

/** The bundler throws its messages as a list. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(String).join('; ')
  return messageOf(error)
}
