// Every object of the plan: what happens to it, its rows on both sides, its size. Opening one shows its statements.
import { createMemo, createSignal, For, onCleanup, Show } from 'solid-js'
import { type ObjectAction, objectActions } from '../../../shared/plan-api.ts'
import { rowsText, t } from '../../i18n/index.ts'
import { kindText } from '../../i18n/objects.ts'
import { SearchField } from '../../parts/search-field.tsx'
import { Section } from '../../parts/section.tsx'
import { VirtualRows } from '../../parts/virtual-rows.tsx'
import { planned, type ShownPlan } from '../../state/plan.ts'
import {
  isDestroying,
  isOverwriting,
  keyOf,
  linesOf,
  matching,
  type PlanLine,
} from '../../state/plan-lines.ts'
import { ObjectLine } from './object-line.tsx'
import { ObjectSql, SaveSql } from './object-sql.tsx'

/** In pixels, as in plan-objects.css. A narrow window has a third line for the rows. */
const rowHeights = { wide: 54, narrow: 76 }

export function ObjectList(props: { plan: ShownPlan }) {
  const rowHeight = rowHeightOfWindow()
  const [search, setSearch] = createSignal('')
  const [kind, setKind] = createSignal('')
  const [action, setAction] = createSignal<ObjectAction | ''>('')
  const [opened, setOpened] = createSignal<string>()
  const lines = createMemo(() => linesOf(props.plan.objects))
  const kinds = createMemo(() => [...new Set(lines().map((line) => line.kind))].sort())
  const actions = createMemo(() => {
    const used = new Set(lines().map((line) => line.action))
    return objectActions.filter((one) => used.has(one))
  })
  const shown = createMemo(() => matching(lines(), { search: search(), kind: kind(), action: action() }))
  const open = createMemo(() => lines().find((line) => keyOf(line) === opened()))
  const changeOf = (line: PlanLine) => planned.changes()?.lines.get(keyOf(line))
  const rowClass = (line: PlanLine) =>
    [
      'object-line',
      isDestroying(line) || isOverwriting(line) ? 'destroys' : '',
      line.action === 'skip' ? 'skips' : '',
      changeOf(line) ? 'changed' : '',
      keyOf(line) === opened() ? 'open' : '',
    ].join(' ')
  return (
    <Section
      class="plan-objects"
      title={t('plan.objects')}
      count={rowsText(lines().length)}
      aside={<SaveSql plan={props.plan} />}
    >
      <div class="toolbar">
        <SearchField label={t('plan.searchObjects')} value={search()} onSearch={setSearch} />
        <label class="inline">
          {t('plan.action')}
          <select
            value={action()}
            onChange={(event) => setAction(event.currentTarget.value as ObjectAction | '')}
          >
            <option value="">{t('plan.all')}</option>
            <For each={actions()}>
              {(one) => (
                <option value={one} selected={action() === one}>
                  {t(`plan.actions.${one}`)}
                </option>
              )}
            </For>
          </select>
        </label>
        <label class="inline">
          {t('plan.kind')}
          <select value={kind()} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="">{t('plan.all')}</option>
            <For each={kinds()}>
              {(one) => (
                <option value={one} selected={kind() === one}>
                  {kindText(one)}
                </option>
              )}
            </For>
          </select>
        </label>
      </div>
      <Show when={shown().length > 0} fallback={<p class="empty small">{t('plan.noObject')}</p>}>
        <Show when={rowHeight()} keyed>
          {(height) => (
            <VirtualRows
              list={shown()}
              label={t('plan.objects')}
              class="object-lines"
              rowHeight={height}
              rowClass={rowClass}
            >
              {(line) => (
                <ObjectLine
                  line={line()}
                  change={changeOf(line())}
                  isOpen={keyOf(line()) === opened()}
                  onOpen={() => setOpened((key) => (key === keyOf(line()) ? undefined : keyOf(line())))}
                />
              )}
            </VirtualRows>
          )}
        </Show>
      </Show>
      <Show when={shown().length < lines().length}>
        <p class="quiet" role="status">
          {t('plan.shown', { count: rowsText(shown().length), of: rowsText(lines().length) })}
        </p>
      </Show>
      <Show when={open()}>
        {(line) => <ObjectSql line={line()} plan={props.plan} onClose={() => setOpened(undefined)} />}
      </Show>
    </Section>
  )
}

/** Lines have fixed heights: when the window becomes narrow or wide, the list is made again. */
function rowHeightOfWindow() {
  const narrow = matchMedia('(max-width: 640px)')
  const [isNarrow, setIsNarrow] = createSignal(narrow.matches)
  const look = () => setIsNarrow(narrow.matches)
  narrow.addEventListener('change', look)
  onCleanup(() => narrow.removeEventListener('change', look))
  return () => (isNarrow() ? rowHeights.narrow : rowHeights.wide)
}
