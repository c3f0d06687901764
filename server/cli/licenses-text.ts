// Replaced by scripts/compile.ts with the texts of all that goes into the executable.

export const licenses = 'Run from source: the licences are in LICENSE and in node_modules.\n'
