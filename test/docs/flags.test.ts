// The pages for users name the commands and flags that the program has, with the program's own help texts.
import { describe, expect, test } from 'bun:test'
import { headingsOf, linesOfCode, pageNames, plain, readPage, rowsBelow } from './pages.ts'
import { commandsOfProgram, flagsOf, shownFlags } from './program.ts'

const commands = await commandsOfProgram()
const everyFlag = new Set([...commands.values()].flatMap((command) => [...flagsOf(command)]))
const anyCommand = ['--help', '--version']
const controls = ['pause', 'resume', 'retry', 'skip', 'apply-schema', 'stop']

/** Where the flags of each command are: every flag of the command is in one of these tables. */
const tables: Record<string, [page: string, heading: string][]> = {
  clone: [
    ['options.md', 'Migration'],
    ['options.md', 'Following'],
    ['command-line.md', 'Output'],
  ],
  copy: [
    ['options.md', 'Migration'],
    ['command-line.md', 'Output'],
  ],
  follow: [
    ['options.md', 'Following'],
    ['command-line.md', 'Connections'],
    ['command-line.md', 'Output'],
  ],
  switchover: [
    ['options.md', 'Switchover'],
    ['options.md', 'Following'],
    ['command-line.md', 'Connections'],
  ],
  cleanup: [
    ['options.md', 'Cleanup'],
    ['options.md', 'Following'],
    ['command-line.md', 'Connections'],
  ],
  recopy: [
    ['options.md', 'Cleanup'],
    ['options.md', 'Following'],
    ['command-line.md', 'Connections'],
  ],
  list: [
    ['command-line.md', 'List'],
    ['options.md', 'Migration'],
  ],
  preflight: [
    ['preflight.md', 'Run it'],
    ['options.md', 'Migration'],
  ],
  roles: [
    ['roles.md', 'Options'],
    ['command-line.md', 'Connections'],
  ],
  worker: [['workers.md', 'Options']],
  serve: [['api.md', 'Start the server']],
  client: [['api.md', 'The same in TypeScript']],
  fleet: [['fleet.md', 'Options']],
  status: [['following-terminal.md', 'status']],
  tui: [['following-terminal.md', 'tui']],
  ...Object.fromEntries(
    ['add', 'list', 'show', 'next', 'remove', 'enable', 'disable', 'run', 'work'].map((name) => [
      `schedule ${name}`,
      [['schedules.md', 'Options']],
    ]),
  ),
  health: [['command-line.md', 'Commands']],
  'create-database': [
    ['command-line.md', 'Commands'],
    ['command-line.md', 'Connections'],
  ],
  repair: [['command-line.md', 'Commands']],
  'compare data': [['verification.md', 'Options']],
  'compare schema': [
    ['verification.md', 'Options'],
    ['options.md', 'Migration'],
  ],
  ...Object.fromEntries(controls.map((name) => [name, [['following-terminal.md', 'tui']]])),
}

/** Flag and meaning of each row; the first cell may name the command as well. */
function documentedFlags(page: string, heading: string, name: string): [flag: string, meaning: string][] {
  return rowsBelow(page, heading).flatMap((cells) => {
    const [, command, flag] = /^`(?:pgtrek ([a-z -]+?) )?(--[a-z-]+)/.exec(cells[0] ?? '') ?? []
    const isOther = command !== undefined && command !== name
    return flag === undefined || isOther ? [] : [[flag, plain(cells.at(-1) ?? '')] as [string, string]]
  })
}

test('the list of commands is that of the program, with its descriptions', () => {
  const documented = new Map(
    rowsBelow('command-line.md', 'Commands').flatMap(([name = '', meaning = '']) =>
      [...name.matchAll(/`pgtrek ((?:[a-z]| (?!-)|-(?!-))+?)(?: \[[A-Z.]+\])?`/g)].map(([, command = '']) => [
        command,
        plain(meaning),
      ]),
    ),
  )
  for (const own of ['version', 'help']) expect(documented.delete(own)).toBe(true)
  const groups = [...commands].filter(([, { commands: parts }]) => parts.length > 0).map(([name]) => name)
  const expected = [...commands].flatMap(([name, command]) =>
    groups.includes(name) ? [] : [name, ...command.aliases()],
  )
  expect([...documented.keys()].sort()).toEqual(expected.sort())
  for (const [name, command] of commands) {
    if (!groups.includes(name))
      expect([name, documented.get(name)]).toEqual([
        name,
        expect.stringMatching(begins(command.description())),
      ])
  }
})

describe.each([...commands].filter(([, command]) => command.options.length > 0))(
  'pgtrek %s',
  (name, command) => {
    const documented = (tables[name] ?? []).flatMap(([page, heading]) => documentedFlags(page, heading, name))

    test('has every flag in a table, with the text of its help', () => {
      for (const [flag, text] of shownFlags(command)) {
        const meanings = documented.filter(([one]) => one === flag).map(([, meaning]) => meaning)
        expect([flag, meanings]).toEqual([
          flag,
          expect.arrayContaining([expect.stringMatching(begins(text))]),
        ])
      }
    })
  },
)

test('every table names flags of its commands only', () => {
  const rows = Object.entries(tables).flatMap(([name, places]) =>
    places.flatMap(([page, heading]) =>
      documentedFlags(page, heading, name).map(([flag]) => ({ place: `${page}#${heading}`, flag, name })),
    ),
  )
  const known = new Set(
    rows
      .filter(({ name, flag }) => flagsOf(commands.get(name) ?? fail(name)).has(flag))
      .map(({ place, flag }) => place + flag),
  )
  expect(rows.filter(({ place, flag }) => !known.has(place + flag))).toEqual([])
})

describe.each(pageNames)('%s', (page) => {
  test('types flags that its commands have', () => {
    const wrong = linesOfCode(page).flatMap((line) => {
      const [, typed = ''] = /(?:^|[\s"(|])pgtrek ([^|#]*)/.exec(line) ?? []
      const words = typed.split(' ')
      const command = commands.get(`${words[0]} ${words[1]}`) ?? commands.get(words[0] ?? '')
      if (!command) return []
      const own = new Set([...flagsOf(command), ...anyCommand])
      return flagsIn(withoutQuotes(typed))
        .filter((flag) => !own.has(flag))
        .map((flag) => `${flag} in: ${line}`)
    })
    expect(wrong).toEqual([])
  })

  test('names flags that the program has', () => {
    const spans = [
      ...readPage(page)
        .replace(/^```.*?^```$/gms, '')
        .matchAll(/`([^`]+)`/g),
    ].map(([, code = '']) => code)
    const ours = spans.filter((code) => /^(?:--|pgtrek )/.test(code))
    const wrong = ours
      .flatMap((code) => flagsIn(withoutQuotes(code)))
      .filter((flag) => !everyFlag.has(positive(flag)) && !everyFlag.has(flag))
    expect(wrong.filter((flag) => !anyCommand.includes(flag))).toEqual([])
  })

  test('links to pages and headings that are there', () => {
    const links = [...readPage(page).matchAll(/\]\(([\w./-]*\.md)?(?:#([\w-]+))?\)/g)]
    const wrong = links.filter(([, target, anchor]) => {
      const name = target === undefined ? page : target.replace(/^(?:docs\/|\.\.\/)/, '')
      const isIndex = target === 'docs/README.md'
      return !isIndex && !(pageNames.includes(name) && (!anchor || headingsOf(name).includes(anchor)))
    })
    expect(wrong.map(([link]) => link)).toEqual([])
  })
})

function flagsIn(text: string): string[] {
  return text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []
}

/** Every switch has its opposite. */
function positive(flag: string): string {
  return flag.startsWith('--no-') ? flag.replace('--no-', '--') : flag.replace('--', '--no-')
}

function withoutQuotes(text: string): string {
  return text.replace(/'[^']*'/g, '')
}

function begins(text: string): RegExp {
  return new RegExp(`^${RegExp.escape(plain(text))}`)
}

function fail(name: string): never {
  throw new Error(`the program has no command ${name}`)
}
