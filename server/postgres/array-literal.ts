// Arrays of one dimension, as the server writes them: {1,NULL,"with \"quotes\", commas and such"}.
// https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO

const element = /"((?:[^"\\]|\\.)*)"|([^{},"]+)/gs

export function arrayElements(literal: string): (string | null)[] {
  return Array.from(literal.matchAll(element), ([, quoted, plain]) => {
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/gs, '$1')
    return plain === undefined || plain === 'NULL' ? null : plain
  })
}
