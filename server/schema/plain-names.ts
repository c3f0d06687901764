// pg_dump quotes every name, so that none is a keyword on the destination (`create function f(json json)` of 15 is a
// syntax error on 16). Text for users has quotes only where they are needed.
import { Lexer } from './lexer.ts'

/** From pg_get_keywords() of 12 to 18, without those that may be any name. `json` is a type on all of them. */
const keywords: ReadonlySet<string> = new Set(
  `
  all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both
  case cast char character check coalesce collate collation column concurrently constraint create cross
  current_catalog current_date current_role current_schema current_time current_timestamp current_user dec
  decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign
  freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect
  interval into is isnull join json_array json_arrayagg json_exists json_object json_objectagg json_query
  json_scalar json_serialize json_table json_value lateral leading least left like limit localtime
  localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset
  on only or order out outer overlaps overlay placing position precision primary real references returning
  right row select session_user setof similar smallint some substring symmetric system_user table
  tablesample then time timestamp to trailing treat trim true union unique user using values varchar
  variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest
  xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
  `
    .trim()
    .split(/\s+/),
)

const plain = /^[a-z_][a-z0-9_$]*$/

function isNoKeyword(name: string): boolean {
  return plain.test(name) && !keywords.has(name)
}

/** `"public"."t"("a", "Odd")` -> `public.t(a, "Odd")`; strings and comments stay as they are. */
export function withPlainNames(text: string, isPlain = isNoKeyword): string {
  let result = ''
  let behind = 0
  const lexer = new Lexer(text)
  while (lexer.next()) {
    if (lexer.kind !== 'identifier') continue
    const name = text.slice(lexer.start + 1, lexer.end - 1)
    if (!isPlain(name)) continue
    result += text.slice(behind, lexer.start) + name
    behind = lexer.end
  }
  return result + text.slice(behind)
}

/** The name that a word or a quoted identifier stands for in SQL. */
export function unquoted(written: string): string {
  return written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written
}
