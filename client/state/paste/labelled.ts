// Names with values over several lines or in braces: .env, YAML, JSON, dictionaries of programs, properties, pages of
// providers. What belongs together has the same section and the same prefix: `DB_HOST` and `DB_PORT`.
import { unquoted } from './commands.ts'
import { fieldOf, type Pair, plain } from './pasted.ts'

export interface Labelled {
  section: string
  name: string
  value: string
}

/** Containers whose name says nothing about which connection they are. */
const transparent =
  /^(?:options|databases|env|environment|envfrom|data|stringdata|spec|containers?|services|ssl|dialectoptions|connection|connectionstrings|database|db|postgres|postgresql|datasource|hikari|spring|production|development|default|config|args|properties|variables|valuefrom|secretkeyref|metadata|test)$/

export function readLabelled(text: string): Labelled[] {
  const found: Labelled[] = []
  const sections: { name: string; indent: number }[] = []
  const anchors = new Map<string, string>()
  const inherited: [section: string, anchor: string][] = []
  const section = () => sections.at(-1)?.name ?? ''
  const isSecret = /^kind:\s*["']?Secret/m.test(text)
  for (const { indent, line } of statements(listed(text))) {
    const header = /^\[([^\]]+)\]$/.exec(line)?.[1]
    if (header !== undefined) {
      sections.splice(0, sections.length, { name: header, indent: -1 })
      continue
    }
    if (line === '}') {
      sections.pop()
      continue
    }
    const [, quoted, bare, rest = ''] =
      /^(?:["'`]([^"'`]+)["'`]|([A-Za-z_<][\w.<-]*(?: [A-Za-z]\w*)*))\s*(?:=>|[:=])\s*(.*)$/s.exec(line) ?? []
    const name = quoted ?? bare
    if (name === undefined) continue
    if (indent >= 0) while (sections.length > 0 && (sections.at(-1)?.indent ?? -1) >= indent) sections.pop()
    const anchor = /^&(\w+)\s*/.exec(rest)
    const value = rest.slice(anchor?.[0].length ?? 0)
    if (value === '' || value === '{') {
      sections.push({ name: transparentOr(name, section()), indent })
      if (anchor?.[1]) anchors.set(anchor[1], section())
    } else if (name === '<<') {
      inherited.push([section(), value.replace(/^\*/, '')])
    } else {
      const shown = scalar(value)
      found.push({
        section: section(),
        name,
        value: isSecret && isBase64(shown, section()) ? atob(shown) : shown,
      })
    }
  }
  return withInherited(found, inherited, anchors)
}

/** Labels and values in alternating lines, as they are copied from the page of a provider. */
export function readAlternating(text: string): Pair[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean)
  return lines.flatMap((line, index): Pair[] => {
    const value = lines[index + 1]
    const isLabel = fieldOf(line) !== undefined || plain(line) === 'dbname'
    return isLabel && value !== undefined && fieldOf(value) === undefined ? [[line, value]] : []
  })
}

/** Kubernetes and Compose list variables: `- name: PGHOST`, `value: db`, and `- PGHOST=db`. */
function listed(text: string): string {
  return text
    .replaceAll(
      /^([^\S\n]*)- name:[^\S\n]*["']?([\w.-]+)["']?[^\S\n]*\n[^\S\n]+value:[^\S\n]*(.*)$/gm,
      '$1$2: $3',
    )
    .replaceAll(
      /^([^\S\n]*)- name:[^\S\n]*["']?([\w.-]+)["']?[^\S\n]*\n([^\S\n]+)valueFrom:[^\n]*(?:\n\3[^\S\n]+[^\n]*)*/gm,
      '$1$2: $${secret}',
    )
    .replaceAll(/^([^\S\n]*)- (?=["']?[A-Za-z_])/gm, '$1')
    .replaceAll(/^([^\S\n]*)(?:export|setx?|declare -x|ENV|-e|--env)[^\S\n]+(?=["']?[A-Za-z_]\w*=)/gm, '$1')
    .replaceAll(/^([^\S\n]*)\$env:/gim, '$1')
}

/** Lines; inside of braces also what commas separate. Indentation counts only outside of braces. */
function statements(text: string): { indent: number; line: string }[] {
  const found: { indent: number; line: string }[] = []
  let depth = 0
  for (const raw of text.split(/\r?\n/)) {
    const indent = /^\s*/.exec(raw)?.[0].length ?? 0
    if (/^\s*(?:#|\/\/|--)/.test(raw)) continue
    let line = ''
    const flush = () => {
      const whole = line.trim().replace(/[;,]$/, '')
      if (whole !== '') found.push({ indent: depth > 0 ? -1 : indent, line: whole })
      line = ''
    }
    for (const [token] of raw.matchAll(
      /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\$?\{\{?[\w.:-]+\}?\}|<%.*?%>|./g,
    )) {
      if (token === '{' || (token === '(' && /(?:connect|create_engine|Pool|Client)\w*$/i.test(line))) {
        line = token === '{' ? `${line}{` : ''
        flush()
        depth++
      } else if ((token === '}' || token === ')') && depth > 0) {
        flush()
        depth--
        if (token === '}') found.push({ indent: -1, line: '}' })
      } else if (token === ',' && depth > 0) {
        flush()
      } else {
        line += token
      }
    }
    flush()
  }
  return found
}

function scalar(text: string): string {
  const value = text.trim()
  const [, quoted] = /^("(?:\\.|[^"\\])*"|'(?:[^'\\]|\\.|'')*'|`[^`]*`)/.exec(value) ?? []
  if (quoted === undefined) return value.replace(/\s+#.*$/, '').trim()
  if (quoted.startsWith('"')) return unquoted(quoted.replaceAll('\\/', '/'))
  const inner = quoted.slice(1, -1)
  return quoted.startsWith("'") ? inner.replaceAll("''", "'").replaceAll("\\'", "'") : inner
}

function transparentOr(name: string, outer: string): string {
  return transparent.test(plain(name)) && !/^(?:production|development|default|test)$/.test(name)
    ? outer
    : name
}

function isBase64(value: string, section: string): boolean {
  return section === '' && /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)
}

/** YAML's `<<: *default`. */
function withInherited(
  found: readonly Labelled[],
  inherited: readonly [string, string][],
  anchors: ReadonlyMap<string, string>,
): Labelled[] {
  const more = inherited.flatMap(([section, anchor]) => {
    const own = new Set(found.filter((one) => one.section === section).map(({ name }) => name))
    const base = found.filter((one) => one.section === anchors.get(anchor) && !own.has(one.name))
    return base.map((one) => ({ ...one, section }))
  })
  return [...more, ...found]
}
