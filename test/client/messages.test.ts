// The server's messages in Japanese: each sentence that the server marks with `say` has an entry, and is found by it.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { parseAst } from 'vite'
import { flagChoices, flagOptions, negatedFlags, withLabels } from '../../client/i18n/flags.ts'
import { inJapanese, messageFiles, messages } from '../../client/i18n/messages/index.ja.ts'
import { translatorOf } from '../../client/i18n/messages.ts'
import { checks } from '../../server/preflight/checks.ts'
import { flagOf, optionNames, spellingOf } from '../../shared/option-table.ts'

const root = join(import.meta.dir, '../..')

/** By the text with `{}` for each value: the places where it is marked. */
const marked = await markedTemplates()
const plain = (english: string) => english.trim().replaceAll('{n}', '{}')

test('every marked message has an entry', () => {
  const known = new Set(Object.keys(messages).map(plain))
  expect([...marked].filter(([text]) => !known.has(text))).toEqual([])
})

test('there is no entry without a message, and none in two files', () => {
  // Values that stand for themselves, as in "on the source".
  const values = new Set(['source', 'destination', 'behind', 'ahead'])
  const stale = Object.keys(messages).filter((text) => !marked.has(plain(text)) && !values.has(text))
  expect(stale).toEqual([])
  const all = Object.values(messageFiles).flatMap((file) => Object.keys(file))
  expect(all.filter((text, index) => all.indexOf(text) !== index)).toEqual([])
})

test('an entry names only values that its message has', () => {
  const wrong = Object.entries(messages).filter(([english, japanese]) => {
    const count = english.match(/\{n?\}/g)?.length ?? 0
    const used = (japanese.match(/\{\d+\}/g) ?? []).map((place) => Number(place.slice(1, -1)))
    return new Set(used).size !== count || used.some((index) => index >= count)
  })
  expect(wrong).toEqual([])
})

test('every entry is in Japanese, and has no flag that the English message does not have', () => {
  for (const [english, japanese] of Object.entries(messages)) {
    expect([english, /[\u3040-\u30ff\u4e00-\u9fff]/.test(japanese)]).toEqual([english, true])
    const flags = (text: string) => text.match(/--[a-z-]+/g) ?? []
    expect(flags(english)).toEqual(expect.arrayContaining(flags(japanese)))
  }
})

test('every message finds its own entry, whatever its values are', () => {
  for (const [english, japanese] of Object.entries(messages)) {
    for (const sample of [(at: number) => `Value${at}`, (at: number) => `"shop"."Über ${at}"`]) {
      const numbers = (at: number) => String(70 + at)
      let at = 0
      const text = english.trim().replace(/\{n?\}/g, (place) => (place === '{n}' ? numbers : sample)(at++))
      at = 0
      const filled: string[] = (english.match(/\{n?\}/g) ?? []).map((place) =>
        (place === '{n}' ? numbers : sample)(at++),
      )
      const expected = japanese.replace(/\{(\d+)\}/g, (_, index) => filled[Number(index)] ?? '')
      expect([text, inJapanese(text)]).toEqual([text, expected])
    }
  }
})

test('the reason of every preflight check is translated', () => {
  for (const { why } of checks) expect(inJapanese(why)).toMatch(/[\u3040-\u30ff].*。$/)
})

test('messages within messages, numbers of things and several sentences are translated', () => {
  expect(
    inJapanese('3 tables on the source, room for 1 lock; 2 tables on the destination, room for 64 locks'),
  ).toBe('移行元に 3 テーブル、余裕はロック 1 件; 移行先に 2 テーブル、余裕はロック 64 件')
  expect(inJapanese('the servers cannot be checked: tables are being copied again: public.t')).toBe(
    'サーバーの状態を確認できません：テーブルをコピーし直しています：public.t',
  )
  expect(
    inJapanese(
      'Raise it for the duration of the migration. wal_sender_timeout is set on the command line of the source: change it to 60s there.',
    ),
  ).toBe(
    '移行の間だけ引き上げてください。wal_sender_timeout は移行元の起動コマンドで指定されています。そこで 60s に変えてください。',
  )
})

test('unknown text stays as it is, and values are never read as patterns', () => {
  expect(inJapanese('something new')).toBe('something new')
  expect(inJapanese('')).toBe('')
  expect(translatorOf({ 'a {} b': '甲 {0} 乙' }, {})('a $& {0} b')).toBe('甲 $& {0} 乙')
})

test('thousands of different lines are translated quickly: each tries few patterns', () => {
  let tried = 0
  const exec = RegExp.prototype.exec
  RegExp.prototype.exec = function (text) {
    tried++
    return exec.call(this, text)
  }
  try {
    for (let line = 0; line < 1_000; line++) inJapanese(`copied public.table_${line} in ${line} ms`)
  } finally {
    RegExp.prototype.exec = exec
  }
  expect(tried).toBeLessThan(20_000)
})

test('flags of options become their labels', () => {
  const words = {
    option: (name: string) => `<${name}>`,
    choice: (name: string) => name,
    other: () => undefined,
    quote: (label: string) => label,
    off: (label: string) => `${label} off`,
  }
  expect(withLabels('use --no-owner and --no-acl.', words)).toBe('use <owner> off and <acl> off.')
  expect(withLabels('lower --index-workers; --truncate; --keep-triggers', words)).toBe(
    'lower <indexWorkers>; <existingDataMode>: truncate; <disableTriggers> off',
  )
  expect(withLabels('run "pgtrek repair --workers 2" or use --wait', words)).toBe(
    'run "pgtrek repair --workers 2" or use --wait',
  )
})

test('the page knows the flags of all options', () => {
  expect(flagOptions).toEqual(Object.fromEntries(optionNames.map((name) => [flagOf(name), name])))
  const opposite = optionNames.filter((name) => spellingOf(name).kind === 'opposite').map(flagOf)
  expect([...negatedFlags].toSorted()).toEqual(opposite.toSorted())
  const shortcuts = optionNames.flatMap((name) =>
    Object.entries(spellingOf(name).shortcuts ?? {}).map(([flag, choice]) => [flag, [name, choice]]),
  )
  expect(flagChoices as object).toEqual(Object.fromEntries(shortcuts))
})

async function markedTemplates(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const folder of ['server', 'shared']) {
    for await (const file of new Bun.Glob('**/*.ts').scan(join(root, folder))) {
      const text = await Bun.file(join(root, folder, file)).text()
      if (!text.includes('say`')) continue
      visit(parseAst(text, { lang: 'ts' }), (message) => {
        const places = found.get(message) ?? []
        found.set(message, [...places, `${folder}/${file}`])
      })
    }
  }
  return found
}

interface TaggedTemplate {
  type: 'TaggedTemplateExpression'
  tag: { name?: string }
  quasi: { quasis: { value: { cooked: string } }[] }
}

function visit(node: unknown, onMessage: (text: string) => void) {
  if (typeof node !== 'object' || node === null) return
  if (isTaggedTemplate(node) && node.tag.name === 'say') {
    onMessage(
      node.quasi.quasis
        .map(({ value }) => value.cooked)
        .join('{}')
        .trim(),
    )
  }
  for (const child of Object.values(node)) visit(child, onMessage)
}

function isTaggedTemplate(node: object): node is TaggedTemplate {
  return 'type' in node && node.type === 'TaggedTemplateExpression'
}
