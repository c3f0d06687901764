// Options that remove a warning of the plan. The server's sentences name the flag of the command line.
import type { MigrationOptions } from '../../shared/request.ts'

export interface Fix {
  option: 'skipExtensions' | 'owner' | 'acl' | 'tablespaces' | 'disableFk' | 'dataOnly'
  value: MigrationOptions[Fix['option']]
  /** Added to a list. */
  name?: string
}

const patterns: { when: RegExp; fixes: (options: MigrationOptions, name: string) => Fix[] }[] = [
  {
    when: /--skip-extension (\S+);/,
    fixes: ({ skipExtensions }, name) => [
      { option: 'skipExtensions', value: [...skipExtensions, name], name },
    ],
  },
  { when: /use --no-owner and --no-acl/, fixes: () => [off('owner'), off('acl')] },
  { when: /use --no-owner\)/, fixes: () => [off('owner')] },
  { when: /use --no-tablespaces/, fixes: () => [off('tablespaces')] },
  { when: /^foreign keys form a cycle/, fixes: () => [{ option: 'disableFk', value: true }] },
  {
    when: /will not be copied: the destination has no such table$/,
    fixes: () => [off('dataOnly')],
  },
]

function off(option: Exclude<Fix['option'], 'skipExtensions'>): Fix {
  return { option, value: false }
}

/** None where the option has this value already. */
export function fixesOf(warning: string, options: MigrationOptions): Fix[] {
  for (const { when, fixes } of patterns) {
    const found = when.exec(warning)
    if (!found) continue
    return fixes(options, found[1] ?? '').filter(({ option, value, name }) =>
      name === undefined ? options[option] !== value : !options.skipExtensions.includes(name),
    )
  }
  return []
}

const refused = /^a run would be refused: /

export function blockersOf(warnings: readonly string[]): string[] {
  return warnings.filter((text) => refused.test(text)).map((text) => text.replace(refused, ''))
}

export function withoutBlockers(warnings: readonly string[]): string[] {
  return warnings.filter((text) => !refused.test(text))
}
