// Makes the one file that users download: the command, its workers, the page and pg_dump's WebAssembly, with Bun
// inside.

import { rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../shared/message-of.ts'
import { embedding } from '../tools/compile/embedding.ts'
import { gatherLicenses } from '../tools/compile/licenses.ts'
import { buildPage, type PageFile } from '../tools/compile/page.ts'
import { compileAll } from '../tools/compile/targets.ts'

export type CompileOptions = {
  /** Where the executable goes; on Windows Bun adds `.exe`. */
  outfile: string
  /** Another platform than this one, in Bun's words: `bun-linux-arm64`. Its runtime is downloaded. */
  target?: string
  /** Built already, when several executables carry the same one. */
  page?: readonly PageFile[]
}

const root = join(import.meta.dir, '..')

/** The executable's path. */
export async function compile({ outfile, target, page }: CompileOptions): Promise<string> {
  const embedded = embedding(page ?? (await buildPage()), gatherLicenses())
  const result = await Bun.build({
    root,
    // Each thread starts from a file of its own; the first is the one that runs.
    entrypoints: [
      'server/main.ts',
      'server/copy/lane.worker.ts',
      'server/schema/dump.worker.ts',
      'node_modules/@electric-sql/pglite-tools/dist/pg_dump.wasm',
    ].map((path) => join(root, path)),
    // pg_dump's loader looks for its WebAssembly beside itself, and it is bundled into this worker.
    naming: { asset: 'server/schema/[name].[ext]' },
    plugins: [embedded],
    // Messages name classes of errors, which must be called there as in the source.
    minify: { whitespace: true, syntax: true, identifiers: false },
    // Compiled ahead, it needs half the CPU time to start.
    bytecode: true,
    format: 'esm',
    sourcemap: 'linked',
    compile: {
      outfile,
      // Bun checks the name; its type lists the ones of its own version.
      ...(target !== undefined && { target: target as Bun.Build.CompileTarget }),
      // A tool that is run in somebody's project must not take over the settings lying there.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  })
  const [executable, ...others] = result.outputs
  if (!executable) throw new Error('the bundler made no executable')
  // The source maps are inside too: that is where stack traces find them.
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
