// The location of a worker's code: a separate file when run from source, within the executable when compiled.

/**
 * `path` is relative to server/ and ends in `.ts`. Bun looks a relative name up among the files of the
 * executable first, from their root: `/$bunfs/root/`, and on Windows `B:/~BUN/root/`.
 */
export function workerUrl(path: string): string {
  return Bun.isStandaloneExecutable ? `./server/${path}` : new URL(`../${path}`, import.meta.url).href
}
