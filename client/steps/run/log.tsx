// The log, live or past, by level and search. Only visible lines are in the document.
import { createVirtualizer } from '@tanstack/solid-virtual'
import { createEffect, createMemo, createSignal, For, Show } from 'solid-js'
import type { LogLine } from '../../../shared/api.ts'
import type { LogLevel } from '../../../shared/event.ts'
import { inLanguage, rowsText, t } from '../../i18n/index.ts'
import { Disclosure } from '../../parts/disclosure.tsx'
import { SearchField } from '../../parts/search-field.tsx'

const levels = ['debug', 'info', 'warn', 'error'] as const satisfies LogLevel[]

/** Closed at first: the lines are read, and drawn, when somebody opens it. */
export function LogPart(props: { lines: readonly LogLine[]; onOpen: () => void; live?: boolean }) {
  return (
    <Disclosure class="log-part" summary={t('run.log')}>
      <Opened onOpen={() => props.onOpen()} />
      <LogView lines={props.lines} live={props.live === true} bare />
    </Disclosure>
  )
}

function Opened(props: { onOpen: () => void }) {
  createEffect(() => props.onOpen())
  return undefined
}

export function LogView(props: { lines: readonly LogLine[]; live?: boolean; bare?: boolean }) {
  const [level, setLevel] = createSignal<LogLevel>('info')
  const [search, setSearch] = createSignal('')
  const [following, setFollowing] = createSignal(props.live === true)
  const shown = createMemo(() => {
    const from = levels.indexOf(level())
    const text = search().toLowerCase()
    return props.lines.filter(
      (line) =>
        levels.indexOf(line.level) >= from &&
        (text === '' ||
          inLanguage(line.message).toLowerCase().includes(text) ||
          line.message.toLowerCase().includes(text)),
    )
  })
  return (
    <section class={props.bare ? 'log' : 'panel log'} aria-label={t('run.log')}>
      <Show when={!props.bare}>
        <h2>{t('run.log')}</h2>
      </Show>
      <div class="toolbar">
        <label class="inline">
          {t('run.logLevel')}
          <select value={level()} onChange={(event) => setLevel(event.currentTarget.value as LogLevel)}>
            <For each={levels}>
              {(one) => (
                <option value={one} selected={one === level()}>
                  {t(`run.level.${one}`)}
                </option>
              )}
            </For>
          </select>
        </label>
        <SearchField label={t('run.logSearch')} value={search()} onSearch={setSearch} />
        <Show when={props.live}>
          <label class="inline">
            <input
              type="checkbox"
              checked={following()}
              onChange={(event) => setFollowing(event.currentTarget.checked)}
            />
            {t('run.logFollow')}
          </label>
        </Show>
        <span class="quiet numbers">
          {t('run.logLines', { shown: rowsText(shown().length), total: rowsText(props.lines.length) })}
        </span>
      </div>
      <Show
        when={shown().length > 0}
        fallback={
          <p class="empty small">{t(props.lines.length === 0 ? 'run.logEmpty' : 'run.logNoMatch')}</p>
        }
      >
        <Lines lines={shown()} following={following()} />
      </Show>
    </section>
  )
}

function Lines(props: { lines: readonly LogLine[]; following: boolean }) {
  let scroller: HTMLDivElement | undefined
  const virtual = createVirtualizer({
    get count() {
      return props.lines.length
    },
    getScrollElement: () => scroller ?? null,
    estimateSize: () => 24,
    overscan: 20,
  })
  createEffect(() => {
    const last = props.lines.length - 1
    // Once the lines are in the document: before, there is nothing to scroll to.
    if (props.following) queueMicrotask(() => virtual.scrollToIndex(last))
  })
  return (
    <div class="log-lines" role="log" aria-live="off" aria-label={t('run.log')} tabindex="0" ref={scroller}>
      <ol style={{ height: `${virtual.getTotalSize()}px` }}>
        <For each={virtual.getVirtualItems()}>
          {(item) => (
            <Show when={props.lines[item.index]}>
              {(line) => (
                <li
                  class={`log-line ${line().level}`}
                  data-index={item.index}
                  ref={(element) => queueMicrotask(() => virtual.measureElement(element))}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <time class="numbers" dateTime={new Date(line().at).toISOString()}>
                    {timeOfDay(line().at)}
                  </time>
                  <span class="log-level">{line().level}</span>
                  <span class="log-text">{inLanguage(line().message)}</span>
                </li>
              )}
            </Show>
          )}
        </For>
      </ol>
    </div>
  )
}

function timeOfDay(at: number): string {
  const date = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
