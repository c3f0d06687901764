// Parses TOML or YAML, and finds the line of a syntax error.
import { messageOf } from '../../shared/message-of.ts'
import { eitherOf } from '../../shared/option-table.ts'
import { isRecord } from '../../shared/spelling.ts'
import type { Environment } from '../postgres/environment.ts'
import { UsageError } from '../postgres/errors.ts'

type Parse = (text: string) => unknown

const languages: Record<string, { name: string; parse: Parse }> = {
  '.toml': { name: 'TOML', parse: Bun.TOML.parse },
  '.yaml': { name: 'YAML', parse: Bun.YAML.parse },
  '.yml': { name: 'YAML', parse: Bun.YAML.parse },
}

/** In longer files the line of an error is not searched. */
const searchedLines = 2000

export function parseConfig(text: string, extension: string, file: string): unknown {
  const language = languages[extension.toLowerCase()]
  if (!language) throw new UsageError(`${file} must end in ${eitherOf(Object.keys(languages))}`)
  let content: unknown
  try {
    content = language.parse(text)
  } catch (error) {
    const line = wrongLine(text, language.parse)
    const where = line === undefined ? '' : ` at or after line ${line}`
    throw new UsageError(`${file} is not valid ${language.name}${where}: ${withoutValues(error)}`)
  }
  if (language.name === 'YAML') refuseRepeatedKeys(text, file)
  return content ?? {}
}

/** The parsers do not report where they stopped: the error is behind the longest part that can be parsed. */
function wrongLine(text: string, parse: Parse): number | undefined {
  const lines = text.split('\n')
  if (lines.length > searchedLines) return undefined
  for (let count = lines.length - 1; count > 0; count--) {
    try {
      parse(lines.slice(0, count).join('\n'))
      return count + 1
    } catch {
      // Still too long: the error, or what it belongs to, is part of it.
    }
  }
  return 1
}

/** The parser's message quotes the text that it could not read, which may be a password. */
function withoutValues(error: unknown): string {
  const message = messageOf(error)
  return message
    .replace(/^(TOML|YAML) Parse error: /, '')
    .replaceAll(/".*"/gs, '"..."')
    .replaceAll(/'[^']{2,}'/g, "'...'")
}

/** The YAML parser silently uses the last of several equal keys; those of the top level are easily found. */
function refuseRepeatedKeys(text: string, file: string) {
  const keys = Array.from(text.matchAll(/^(["']?)([A-Za-z_]\w*)\1[ \t]*:(?=\s|$)/gm), ([, , key = '']) => key)
  const repeated = keys.find((key, index) => keys.indexOf(key) !== index)
  if (repeated) throw new UsageError(`${file} has ${repeated} twice`)
}

/** Replaces `${NAME}` in texts after parsing, so that a value is never parsed as syntax; `$${NAME}` stays. */
export function expandVariables(value: unknown, file: string, environment: Environment, at = ''): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/(\$?)\$\{([A-Za-z_]\w*)\}/g, (whole, dollar: string, variable: string) => {
      if (dollar) return whole.slice(1)
      const text = environment[variable]
      if (text === undefined) {
        throw new UsageError(`${file}: ${at} uses \${${variable}}, which is not set in the environment`)
      }
      return text
    })
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => expandVariables(item, file, environment, `${at}[${index}]`))
  }
  // Dates of TOML are objects too; the schema refuses them later.
  if (!isRecord(value) || Object.getPrototypeOf(value) !== Object.prototype) return value
  const fields = Object.entries(value).map(([key, item]) => {
    return [key, expandVariables(item, file, environment, at === '' ? key : `${at}.${key}`)]
  })
  return Object.fromEntries(fields)
}
