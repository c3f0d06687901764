// Replaced by scripts/compile.ts with the license texts of everything in the executable.

export const licenses = 'Run from source: the licences are in LICENSE and in node_modules.\n'
