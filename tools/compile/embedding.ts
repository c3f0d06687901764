// Replaces placeholders in the source by the files of the page and the licences.
import { basename } from 'node:path'
import type { BunPlugin } from 'bun'
import type { PageFile } from './page.ts'

export function embedding(page: readonly PageFile[], licenses: string): BunPlugin {
  refuseSameNames(page)
  return {
    name: 'pgtrek-embedding',
    setup(build) {
      build.onLoad({ filter: /[\\/]server[\\/]api[\\/]page[\\/]embedded-page\.ts$/ }, () => ({
        loader: 'ts',
        contents: [
          ...page.map(
            ({ file }, index) => `import file${index} from ${JSON.stringify(file)} with { type: 'file' }`,
          ),
          'export const embeddedPage = new Map([',
          ...page.map(({ path }, index) => `  [${JSON.stringify(path)}, file${index}],`),
          '])',
        ].join('\n'),
      }))
      build.onLoad({ filter: /[\\/]server[\\/]cli[\\/]licenses-text\.ts$/ }, () => ({
        loader: 'ts',
        contents: `export const licenses = ${JSON.stringify(licenses)}`,
      }))
    },
  }
}

/** In the executable all files are in one folder. */
function refuseSameNames(page: readonly PageFile[]) {
  const seen = new Map<string, string>()
  for (const { path, file } of page) {
    const other = seen.get(basename(file))
    if (other)
      throw new Error(`${path} and ${other} of the page have the same name: one would replace the other`)
    seen.set(basename(file), path)
  }
}
