// The language of the page: the one that the user chose, by default the browser's. Words, numbers and durations in it.
import { flatten, resolveTemplate, translator } from '@solid-primitives/i18n'
import { createMemo, createRoot, createSignal } from 'solid-js'
import { formatBytes, formatDuration, formatRate, formatRows } from '../../shared/format.ts'
import { recall, remember } from '../state/memory.ts'
import type { en } from './en.ts'
import { type FlagWords, withLabels } from './flags.ts'

type Words = typeof en
/** Each by its own name. */
export const languages = { en: 'English', ja: '日本語' }
export type Language = keyof typeof languages

const loaders: Record<Language, () => Promise<Words>> = {
  en: async () => (await import('./en.ts')).en,
  ja: async () => (await import('./ja.ts')).ja,
}
const [loaded, setLoaded] = createSignal<{ language: Language; words: Words }>()

type Translate = (text: string) => string
/** Messages of the server in Japanese: loaded when the first one is shown, which is in English until then. */
const [japanese, setJapanese] = createSignal<Translate>()
let isAsked = false
export const language = () => loaded()?.language ?? 'en'

/** The one of the last visit; by default the browser's. */
export function loadLanguage(): Promise<void> {
  return setLanguage(remembered() ?? preferred())
}

export async function setLanguage(next: Language) {
  setLoaded({ words: await loaders[next](), language: next })
  remember('language', next)
  document.documentElement.lang = next
}

export const t = createRoot(() => {
  // The page is shown when there are strings: nothing asks for one before.
  const words = createMemo(() => flatten(loaded()?.words ?? ({} as Words)))
  return translator(words, (text, ...values) => singular(resolveTemplate(text, ...values)))
})
export type WordKey = Parameters<typeof t>[0]

const flagWords: FlagWords = {
  option: (name) => t(`options.each.${name}.label`),
  choice: (name) => t(`options.choices.${name}`),
  other: (flag) => (flag === 'inserts-only' || flag === 'publication' ? t(otherFlags[flag]) : undefined),
  quote: (label) => (language() === 'ja' ? `「${label}」` : `“${label}”`),
  off: (label) => (language() === 'ja' ? `「${label}」のオフ` : `“${label}” off`),
}
const otherFlags = {
  'inserts-only': 'follow.choice.insertsOnly',
  publication: 'follow.choice.publication',
} as const

/** A message of the server in the language of the page; what is unknown stays in English. */
export function inLanguage(text: string): string {
  return withLabels(translated(text), flagWords)
}

/** The same for a message with commands to run: their flags stay. */
export function translated(text: string): string {
  if (language() !== 'ja') return text
  if (!isAsked) {
    isAsked = true
    import('./messages/index.ja.ts').then(
      ({ inJapanese }) => setJapanese(() => inJapanese),
      // The messages stay in English until the page is loaded again.
      () => {},
    )
  }
  return japanese()?.(text) ?? text
}

/** For `lang`: an English sentence on a Japanese page. A name or a value alone (`plpgsql 1.0`) is none. */
export function languageOf(text: string): 'en' | undefined {
  const isEnglish = /[a-z]{2} [a-z]{2}/i.test(text) && !/[\u3040-\u30ff\u4e00-\u9fff]/.test(text)
  return language() === 'ja' && isEnglish ? 'en' : undefined
}

export const rowsText = formatRows

/** Below zero: never counted, which is not the same as no rows. */
export function estimateText(rows: number): string {
  return rows < 0 ? '?' : formatRows(rows)
}

export function bytesText(bytes: number): string {
  return localized(formatBytes(bytes))
}

export function rateText(bytesPerSecond: number): string {
  return localized(formatRate(bytesPerSecond))
}

export function durationText(seconds: number): string {
  return localized(formatDuration(seconds))
}

/** `3:24`, `1:02:03`: with a fixed width, so that a running clock moves nothing. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const two = (part: number) => String(part).padStart(2, '0')
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`
}

export function dateText(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  return new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeStyle: 'medium' }).format(date)
}

function remembered(): Language | undefined {
  const known = recall('language')
  return known === 'en' || known === 'ja' ? known : undefined
}

function preferred(): Language {
  const first = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === 'en' || tag === 'ja')
  return first === 'ja' ? 'ja' : 'en'
}

/** English sentences are written in the plural: this makes the singular of those that count one thing. */
function singular(text: string): string {
  if (language() !== 'en') return text
  return text
    .replace(/\b1 objects are\b/, '1 object is')
    .replace(
      /\b1 (table|row|warning|blocker|connection|profile|worker|line|session|transaction|check|object|change|difference)s\b/g,
      '1 $1',
    )
}

const japaneseUnits: Record<string, string> = { bytes: 'バイト', d: '日', h: '時間', min: '分', s: '秒' }

function localized(text: string): string {
  if (language() === 'en') return text
  return text.replace(/ (bytes|d|h|min|s)\b/g, (whole, unit: string) => japaneseUnits[unit] ?? whole)
}
