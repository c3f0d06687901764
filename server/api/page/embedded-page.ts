// Replaced by scripts/compile.ts: the files of the page inside the executable, by the path of their URL.

export const embeddedPage: ReadonlyMap<string, string> = new Map()
