// The licences of everything that the executable contains, read from the packages.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dir, '../..')
/** Development packages that are bundled into the page. */
const ofPage = ['solid-js', '@kobalte/core', '@solid-primitives/i18n', '@tanstack/solid-virtual', 'uplot']

interface Manifest {
  name: string
  version: string
  license?: string | { type: string }
  dependencies?: Record<string, string>
}

export function gatherLicenses(): string {
  const own = manifestIn(root)
  const packages = new Map<string, string>()
  for (const name of [...Object.keys(own.dependencies ?? {}), ...ofPage]) collect(name, root, packages)
  const parts = [...packages]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([, directory]) => partOf(directory))
  return [
    `pgtrek ${own.version}\n\n${readFileSync(join(root, 'LICENSE'), 'utf8').trim()}`,
    bun,
    postgres,
    ...parts,
  ]
    .join(`\n\n${'-'.repeat(78)}\n\n`)
    .concat('\n')
}

function collect(name: string, from: string, packages: Map<string, string>) {
  const directory = findPackage(name, from)
  // An optional package that is not installed is not in the executable either.
  if (!directory || packages.has(directory)) return
  packages.set(directory, directory)
  for (const needed of Object.keys(manifestIn(directory).dependencies ?? {}))
    collect(needed, directory, packages)
}

/** In Node's order: beside the package that requires it, then in the parent folders. */
function findPackage(name: string, from: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (dirname(directory) === directory) return undefined
  }
}

function partOf(directory: string): string {
  const { name, version, license } = manifestIn(directory)
  const terms = typeof license === 'object' ? license.type : (license ?? 'see its text')
  const file = readdirSync(directory).find((one) => /^((un)?licen[cs]e|copying)(\.(md|txt))?$/i.test(one))
  const text = file
    ? readFileSync(join(directory, file), 'utf8').trim()
    : 'Its package has no text of its licence.'
  return `${name} ${version}: ${terms}\n\n${text}`
}

function manifestIn(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
}

const bun = `Bun ${Bun.version}: MIT

Copyright (c) Jarred Sumner and contributors. Bun links JavaScriptCore and other parts of WebKit (LGPL-2.0 and
BSD) and further libraries under their own licences: https://bun.com/docs/project/license`

const postgres = `PostgreSQL (pg_dump and libpq, compiled to WebAssembly in @electric-sql/pglite-tools): PostgreSQL Licence

Portions Copyright (c) 1996-2026, PostgreSQL Global Development Group
Portions Copyright (c) 1994, The Regents of the University of California

Permission to use, copy, modify, and distribute this software and its documentation for any purpose, without
fee, and without a written agreement is hereby granted, provided that the above copyright notice and this
paragraph and the following two paragraphs appear in all copies.

IN NO EVENT SHALL THE UNIVERSITY OF CALIFORNIA BE LIABLE TO ANY PARTY FOR DIRECT, INDIRECT, SPECIAL, INCIDENTAL,
OR CONSEQUENTIAL DAMAGES, INCLUDING LOST PROFITS, ARISING OUT OF THE USE OF THIS SOFTWARE AND ITS DOCUMENTATION,
EVEN IF THE UNIVERSITY OF CALIFORNIA HAS BEEN ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

THE UNIVERSITY OF CALIFORNIA SPECIFICALLY DISCLAIMS ANY WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE. THE SOFTWARE PROVIDED HEREUNDER IS ON AN "AS
IS" BASIS, AND THE UNIVERSITY OF CALIFORNIA HAS NO OBLIGATIONS TO PROVIDE MAINTENANCE, SUPPORT, UPDATES,
ENHANCEMENTS, OR MODIFICATIONS.`
