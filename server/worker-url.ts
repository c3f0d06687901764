// Where a worker's code is: beside this file when run from source, inside the executable when compiled.

/** `path` is relative to server/ and ends in `.ts`. */
export function workerUrl(path: string): string {
  const compiled = import.meta.url.includes('/$bunfs/') || import.meta.url.includes('%7EBUN')
  return compiled ? `./server/${path}` : new URL(path, import.meta.url).href
}
