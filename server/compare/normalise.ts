// Removes differences between majors in how they write the same definition. Each rule has a reason and a version; all
// other differences are reported.
import { tokens } from '../schema/lexer.ts'
import { withoutNoIndent } from '../schema/rewrite.ts'
import type { Definition } from './definitions.ts'
import { languageTag } from './language-tag.ts'

export interface Normalisation {
  /** Applies if one server is older than this and the other is not. */
  since: number
  why: string
  /** The texts of the older and the newer server, as they are compared. */
  apply(older: string, newer: string, kind: string): [string, string]
}

export const normalisations: readonly Normalisation[] = [
  {
    since: 14,
    why: 'since 14 a range type has a multirange type, which is named with it',
    apply: (older, newer, kind) => [
      older,
      kind === 'TYPE' ? newer.replace(/\n {4}multirange_type_name = [^\n]*,?(?=\n)/, '') : newer,
    ],
  },
  {
    since: 14,
    why: 'since 14 the arguments of a procedure are written with IN',
    apply: (older, newer) => [older, withoutIn(newer)],
  },
  {
    since: 16,
    why: 'since 16 columns of a query over one table are written without the name of the table',
    apply: (older, newer) => [withoutQualifiers(older, newer), newer],
  },
  {
    since: 16,
    why: 'since 16 the locale of an ICU collation is written as a language tag',
    apply: (older, newer, kind) => (kind === 'COLLATION' ? [withTag(older), withTag(newer)] : [older, newer]),
  },
  {
    since: 16,
    why: 'since 16 XMLSERIALIZE is written with NO INDENT',
    apply: (older, newer) => [older, withoutNoIndent(newer)],
  },
  {
    since: 17,
    why: 'since 17 there is the privilege MAINTAIN, which older servers do not have',
    apply: (older, newer, kind) =>
      kind === 'ACL' || kind === 'DEFAULT ACL'
        ? [withoutMaintain(older), withoutMaintain(newer)]
        : [older, newer],
  },
  {
    since: 18,
    why: 'since 18 NOT NULL has a name, and is written also where it is inherited',
    apply: (older, newer, kind) => (kind === 'TABLE' ? notNull(older, newer) : [older, newer]),
  },
]

/** The rules that apply between two majors. */
export function normalisationsBetween(one: number, other: number): Normalisation[] {
  const [older, newer] = [Math.min(one, other), Math.max(one, other)]
  return normalisations.filter(({ since }) => older < since && newer >= since)
}

/** The name for looking up an object, without parts that majors write differently. */
export function normalName({ kind, name }: Pick<Definition, 'kind' | 'name'>): string {
  return kind === 'PROCEDURE' || name.startsWith('PROCEDURE ') ? name.replace(inArgument, '') : name
}

const inArgument = /(?<=[(,] ?)IN /g

function withoutIn(text: string): string {
  return /^(?:CREATE|COMMENT|GRANT|REVOKE|SECURITY LABEL)\b.*?\bPROCEDURE /s.test(text)
    ? text.replace(inArgument, '')
    : text
}

/** Removes `table.` before a column where the other text has only the column and is equal otherwise. */
function withoutQualifiers(qualified: string, plain: string): string {
  const [long, short] = [[...tokens(qualified)], [...tokens(plain)]]
  let text = ''
  let behind = 0
  let at = 0
  const word = (index: number) => qualified.slice(long[index]?.start, long[index]?.end)
  for (const token of short) {
    const wanted = plain.slice(token.start, token.end)
    const start = long[at]
    // `t.t` is not taken for a qualified `t`: the plain text has no dot after it.
    if (word(at + 1) === '.' && word(at + 2) === wanted && plain[token.end] !== '.' && start) {
      text += qualified.slice(behind, start.start)
      behind = long[at + 2]?.start ?? qualified.length
      at += 2
    }
    if (word(at) !== wanted) break
    at++
  }
  return text + qualified.slice(behind)
}

function withTag(text: string): string {
  if (!/ \(provider = icu,/.test(text)) return text
  return text.replace(/(?<=locale = ')(?:[^']|'')*(?=')/, (locale) => languageTag(locale))
}

const olderPrivileges = 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER'.split(',')
const onTables =
  /^(ALTER DEFAULT PRIVILEGES .*?|)(GRANT|REVOKE)( GRANT OPTION FOR|) ([A-Z,]+) ON (TABLES?) (.*)$/s

function withoutMaintain(text: string): string {
  return text
    .split(';\n')
    .flatMap((statement) => {
      const [, before, verb, option, privileges = '', on, rest] = onTables.exec(statement) ?? []
      if (!verb) return [statement]
      const all = privileges === 'ALL' ? olderPrivileges : privileges.split(',')
      const kept = all.filter((one) => one !== 'MAINTAIN').sort()
      return kept.length === 0 ? [] : [`${before}${verb}${option} ${kept.join(',')} ON ${on} ${rest}`]
    })
    .sort()
    .join(';\n')
}

const namedNotNull = / CONSTRAINT (?:"(?:[^"]|"")*"|[^\s"]+) NOT NULL\b/g

function notNull(older: string, newer: string): [string, string] {
  const unnamed = newer.replace(namedNotNull, ' NOT NULL')
  if (!/\nINHERITS \(/.test(newer)) return [older, unnamed]
  const known = new Set(older.split('\n'))
  const lines = unnamed.split('\n').map((line) => {
    const bare = line.replace(/ NOT NULL(?=,?$)/, '')
    return known.has(line) || !known.has(bare) ? line : bare
  })
  return [older, lines.join('\n')]
}
