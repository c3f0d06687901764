// The toolbar of the board: search, state, order, expanding, and the refresh interval.
import { createMemo, createSignal, For } from 'solid-js'
import type { FleetState } from '../../shared/fleet.ts'
import { rowsText, t } from '../i18n/index.ts'
import { SearchField } from '../parts/search-field.tsx'
import { fleet, setRefresh } from '../state/fleet.ts'
import {
  type BoardChoice,
  type BoardMapping,
  countStates,
  type FleetSort,
  fleetSorts,
  mappingKey,
  statesByNeed,
} from '../state/fleet-rows.ts'

export interface Shown {
  choice: () => BoardChoice
  change(changed: Partial<BoardChoice>): void
  toggle(line: { key: string; open: boolean }): void
}

export function createShown(): Shown {
  const [choice, setChoice] = createSignal<BoardChoice>({
    search: '',
    state: 'all',
    sort: 'state',
    open: new Map(),
  })
  const change = (changed: Partial<BoardChoice>) => setChoice((before) => ({ ...before, ...changed }))
  return {
    choice,
    change,
    toggle: ({ key, open }) => change({ open: new Map(choice().open).set(key, !open) }),
  }
}

const refreshChoices = [1, 2, 5, 10, 30, 60]

export function Toolbar(props: { mappings: readonly BoardMapping[]; shown: Shown }) {
  const counts = createMemo(() => countStates(props.mappings))
  const refreshes = () =>
    [...new Set([...refreshChoices, fleet.refresh()])].toSorted((one, other) => one - other)
  const openAll = (open: boolean) =>
    props.shown.change({ open: new Map(props.mappings.map(({ head }) => [mappingKey(head.name), open])) })
  return (
    <div class="toolbar">
      <SearchField
        label={t('fleet.search')}
        value={props.shown.choice().search}
        onSearch={(search) => props.shown.change({ search })}
      />
      <label class="inline">
        {t('fleet.filter')}
        <select
          value={props.shown.choice().state}
          onChange={(event) => props.shown.change({ state: event.currentTarget.value as FleetState | 'all' })}
        >
          <option value="all">{t('fleet.filterAll')}</option>
          <For each={statesByNeed}>
            {(state) => (
              <option value={state}>
                {t(`fleet.state.${state}`)} ({rowsText(counts().get(state) ?? 0)})
              </option>
            )}
          </For>
        </select>
      </label>
      <label class="inline">
        {t('fleet.sort')}
        <select
          value={props.shown.choice().sort}
          onChange={(event) => props.shown.change({ sort: event.currentTarget.value as FleetSort })}
        >
          <For each={fleetSorts}>{(sort) => <option value={sort}>{t(`fleet.sorts.${sort}`)}</option>}</For>
        </select>
      </label>
      <label class="inline">
        {t('fleet.refresh')}
        <select value={fleet.refresh()} onChange={(event) => setRefresh(Number(event.currentTarget.value))}>
          <For each={refreshes()}>
            {(seconds) => (
              <option value={seconds} selected={seconds === fleet.refresh()}>
                {t('fleet.refreshSeconds', { count: seconds })}
              </option>
            )}
          </For>
        </select>
      </label>
      <button type="button" class="small" onClick={() => openAll(true)}>
        {t('fleet.openAll')}
      </button>
      <button type="button" class="small" onClick={() => openAll(false)}>
        {t('fleet.closeAll')}
      </button>
    </div>
  )
}
