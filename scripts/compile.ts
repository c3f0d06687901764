// Builds the executable that users download: the command, its workers, the page and pg_dump's WebAssembly, with Bun.

import { rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../shared/message-of.ts'
import { embedding } from '../tools/compile/embedding.ts'
import { gatherLicenses } from '../tools/compile/licenses.ts'
import { buildPage, type PageFile } from '../tools/compile/page.ts'
import { compileAll } from '../tools/compile/targets.ts'

export type CompileOptions = {
  /** The path of the executable; on Windows Bun adds `.exe`. */
  outfile: string
  /** Another platform, in Bun's notation: `bun-linux-arm64`. Its runtime is downloaded. */
  target?: string
  /** A page that is built already, for several executables with the same one. */
  page?: readonly PageFile[]
}

const root = join(import.meta.dir, '..')

/** Returns the path of the executable. */
export async function compile({ outfile, target, page }: CompileOptions): Promise<string> {
  const embedded = embedding(page ?? (await buildPage()), gatherLicenses())
  const result = await Bun.build({
    root,
    // Each thread has its own entry point; the first one is run.
    entrypoints: [
      'server/main.ts',
      'server/copy/lane.worker.ts',
      'server/schema/dump.worker.ts',
      'node_modules/@electric-sql/pglite-tools/dist/pg_dump.wasm',
    ].map((path) => join(root, path)),
    // pg_dump's loader, which is bundled into this worker, looks for its WebAssembly next to itself.
    naming: { asset: 'server/schema/[name].[ext]' },
    plugins: [embedded],
    // Messages contain names of error classes, which must be the same as in the source.
    minify: { whitespace: true, syntax: true, identifiers: false },
    // Compiled ahead of time, it starts with half the CPU time.
    bytecode: true,
    format: 'esm',
    sourcemap: 'linked',
    compile: {
      outfile,
      // Bun checks the name; its type lists only those of its own version.
      ...(target !== undefined && { target: target as Bun.Build.CompileTarget }),
      // Run in a user's project, the executable must not load the settings of that directory.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  })
  const [executable, ...others] = result.outputs
  if (!executable) throw new Error('the bundler made no executable')
  // The source maps are embedded too: stack traces use those.
  await Promise.all(others.map(({ path }) => rm(path, { force: true })))
  return executable.path
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: { outfile: { type: 'string' }, target: { type: 'string' }, all: { type: 'boolean' } },
    })
    const { all, ...one } = values
    if (all) await compileEvery()
    else say(await compile({ outfile: join(root, 'dist', 'pgtrek'), ...one }))
  } catch (error) {
    process.stderr.write(`compile: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}

async function compileEvery() {
  const page = await buildPage()
  const { built, failed } = await compileAll(join(root, 'dist'), (options) => compile({ ...options, page }))
  for (const { path } of built) say(path)
  for (const { target, reason } of failed) process.stderr.write(`compile: ${target}: ${reason}\n`)
  if (failed.length > 0) process.exitCode = 1
}

function say(path: string) {
  const megabytes = Math.round(Bun.file(path).size / 1024 ** 2)
  process.stdout.write(`${relative(process.cwd(), path)}: ${megabytes} MB\n`)
}
