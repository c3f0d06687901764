// The first field of a connection: its URL, or whatever else is pasted. It shows the text as typed until it loses the
// focus, then the URL of the fields without the password. What is pasted is read at once.
import { createSignal, createUniqueId, For, Show } from 'solid-js'
import { t } from '../../i18n/index.ts'
import { Field } from '../../parts/field.tsx'
import { emptyEnd, formatUrl, isEmptyEnd, parseUrl, placeOf } from '../../state/connection-url.ts'
import { draft, setEnd } from '../../state/draft.ts'
import type { Side } from '../../state/draft-shape.ts'
import type { Pasted } from '../../state/paste/pasted.ts'

const problemWords = { at: 'urlAt', percent: 'urlPercent', authority: 'urlAuthority' } as const
const shownNames = 8

export function PasteField(props: {
  side: Side
  /** The fields are not yet those of the text. */
  onReading: (reading: boolean) => void
}) {
  const [typed, setTyped] = createSignal<string>()
  const [wrong, setWrong] = createSignal<string>()
  const [choices, setChoices] = createSignal<Pasted[]>([])
  /** The notes on a text are shown as long as its database is. */
  const [taken, setTaken] = createSignal<{ pasted: Pasted; place: string }>()
  const heading = createUniqueId()
  let turn = 0
  const end = () => draft[props.side]
  const shown = () => typed() ?? (isEmptyEnd(end()) ? '' : formatUrl(end(), { masked: true }))

  async function read(text: string, isPasted: boolean) {
    const current = ++turn
    setTyped(text)
    setWrong(undefined)
    setChoices([])
    setTaken(undefined)
    props.onReading(false)
    if (text.trim() === '') return setEnd(props.side, emptyEnd())
    const known = end().fields.password
    const url = parseUrl(text, known)
    if (typeof url !== 'string') {
      setEnd(props.side, url)
      if (isPlain(text)) return isPasted && setTyped(undefined)
    }
    props.onReading(true)
    const { readPasted } = await import('../../state/paste/read.ts')
    if (current !== turn) return
    props.onReading(false)
    const answer = readPasted(text, known)
    if ('problem' in answer) return setWrong(wordsOf(answer.problem, text))
    const [only, ...others] = answer.found
    if (others.length > 0) setChoices(answer.found)
    else if (only) take(only)
    // The password must not stay in the text. While it is typed, it does until the field is left.
    if (isPasted) setTyped(undefined)
  }

  function take(pasted: Pasted) {
    setEnd(props.side, pasted.end)
    setTaken({ pasted, place: placeOf(pasted.end) })
  }

  function choose(pasted: Pasted) {
    setChoices([])
    setTyped(undefined)
    take(pasted)
  }

  /** A URL with a mistake stays, to be corrected. Another text does not: a password may be in it. */
  function leave() {
    if (/^\s*postgres(?:ql)?:/i.test(typed() ?? '') && wrong()) return
    setTyped(undefined)
    setWrong(undefined)
  }

  const notes = () => {
    const known = taken()
    const { unused = [], unfilled = [] } = known?.place === placeOf(end()) ? known.pasted : {}
    const missing = unfilled.filter((name) => end().fields[name] === '')
    const extra = end().extra.map(([name]) => name)
    const more = unused.length - shownNames
    return [
      missing.length > 0 &&
        t('connections.unfilled', { names: missing.map((name) => t(`connections.${name}`)).join(', ') }),
      extra.length > 0 && t('connections.extra', { names: extra.join(', ') }),
      unused.length > 0 &&
        t('connections.unused', { names: unused.slice(0, shownNames).join(', ') }) +
          (more > 0 ? ` ${t('connections.unusedMore', { count: more })}` : ''),
    ].filter((one) => one !== false)
  }

  return (
    <>
      <Field
        label={t('connections.url')}
        wrong={wrong()}
        help={
          notes().length > 0 ? (
            <For each={notes()}>{(note) => <span class="line">{note}</span>}</For>
          ) : undefined
        }
      >
        {(ids) => (
          <textarea
            {...ids}
            class="mono paste"
            rows="2"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder={t('connections.urlHint')}
            value={shown()}
            onInput={(event) => {
              const isLong = (event.data ?? '').length > 1
              const isTyping = /^(?:insertText|insertLineBreak|delete)/.test(event.inputType ?? '') && !isLong
              const isComposing = event.isComposing
              void read(event.currentTarget.value, !isTyping && !isComposing)
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
              event.preventDefault()
              if (!wrong()) setTyped(undefined)
              event.currentTarget.form?.requestSubmit()
            }}
            onBlur={leave}
          />
        )}
      </Field>
      <Show when={choices().length > 0}>
        <section class="paste-choices" aria-labelledby={heading}>
          <p id={heading} role="status">
            {t('connections.severalRead', {
              count: choices().length,
              side: t(`connections.${props.side}`),
            })}
          </p>
          <ul>
            <For each={choices()}>
              {(pasted) => (
                <li>
                  <button type="button" class="plain" onClick={() => choose(pasted)}>
                    <b>{pasted.name}</b>
                    <span class="quiet mono">{formatUrl(pasted.end, { masked: true })}</span>
                  </button>
                </li>
              )}
            </For>
          </ul>
        </section>
      </Show>
    </>
  )
}

/** A URL of one host and without parameters or placeholders needs no more reading. */
function isPlain(text: string): boolean {
  return !/[?,[\]{}<>]|\*{3}.*\*{3}|\$\{/.test(text.trim())
}

function wordsOf(problem: string | { scheme: string }, text: string): string | undefined {
  if (typeof problem === 'object') return t('connections.urlScheme', problem)
  const key = problemWords[problem as keyof typeof problemWords]
  if (key) return t(`connections.${key}`)
  // Nothing is wrong with the first letters of a URL.
  return /^[a-z]{0,12}:?\/?\/?$/i.test(text.trim()) ? undefined : t('connections.nothingRead')
}
