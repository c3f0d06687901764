// Types that the driver would convert differently: JSON that is text already, and arrays of one dimension.

/** https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const arrayTypes = { uuid: 2951, text: 1009, int4: 1007 }

/** The driver would encode a text that is JSON already as a JSON string. */
export const writtenJson = {
  json: {
    to: 114,
    from: [114, 3802],
    serialize: String,
    parse: (text: string) => JSON.parse(text) as unknown,
  },
  texts: {
    to: arrayTypes.text,
    from: [arrayTypes.text, arrayTypes.uuid],
    serialize: String,
    parse: arrayElements,
  },
  numbers: {
    to: arrayTypes.int4,
    from: [arrayTypes.int4],
    serialize: String,
    parse: (text: string) => arrayElements(text).map((one) => (one === null ? null : Number(one))),
  },
}

/** Reads `{1,NULL,"with \"quotes\", commas and such"}`: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
const element = /"((?:[^"\\]|\\.)*)"|([^{},"]+)/gs

function arrayElements(literal: string): (string | null)[] {
  return Array.from(literal.matchAll(element), ([, quoted, plain]) => {
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/gs, '$1')
    return plain === undefined || plain === 'NULL' ? null : plain
  })
}
