// Replaced by scripts/compile.ts with the files of the page, by the path of their URL.

export const embeddedPage: ReadonlyMap<string, string> = new Map()
