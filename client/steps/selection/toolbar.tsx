// Above the tree: search, filter, order, and what applies to everything that is shown.
import { For, Show } from 'solid-js'
import { bytesText, rowsText, t } from '../../i18n/index.ts'
import { SearchField } from '../../parts/search-field.tsx'
import { type Filter, filters, sizes } from '../../state/tree-filter.ts'
import type { Sort } from '../../state/tree-rows.ts'

const sorts = { name: 'selection.sortName', size: 'selection.sortSize', rows: 'selection.sortRows' } as const

export interface Look {
  search: string
  filter: Filter | undefined
  /** For the filter by size. */
  bytes: number
  sort: Sort
}

export function Toolbar(props: {
  look: Look
  onLook: (changed: Partial<Look>) => void
  /** How many objects the search and the filter find; undefined without either. */
  found: number | undefined
  onAll: (on: boolean) => void
  onOpenAll: (open: boolean) => void
}) {
  const words = (which: 'all' | 'nothing') =>
    props.found === undefined
      ? t(`selection.${which}`)
      : t(`selection.${which}Found`, { count: rowsText(props.found) })
  return (
    <div class="toolbar tree-tools">
      <SearchField
        label={t('selection.searchLabel')}
        placeholder={t('selection.searchHint')}
        value={props.look.search}
        onSearch={(search) => props.onLook({ search })}
      />
      <label class="inline">
        {t('selection.filter')}
        <select
          value={props.look.filter ?? ''}
          onChange={(event) =>
            props.onLook({ filter: (event.currentTarget.value || undefined) as Look['filter'] })
          }
        >
          <option value="">{t('selection.filters.all')}</option>
          <For each={filters}>{(one) => <option value={one}>{t(`selection.filters.${one}`)}</option>}</For>
        </select>
      </label>
      <Show when={props.look.filter === 'large'}>
        <select
          class="tree-limit"
          aria-label={t('selection.largerThan')}
          value={props.look.bytes}
          onChange={(event) => props.onLook({ bytes: Number(event.currentTarget.value) })}
        >
          <For each={sizes}>{(bytes) => <option value={bytes}>{bytesText(bytes)}</option>}</For>
        </select>
      </Show>
      <label class="inline">
        {t('selection.sort')}
        <select
          value={props.look.sort}
          onChange={(event) => props.onLook({ sort: event.currentTarget.value as Sort })}
        >
          <For each={Object.entries(sorts)}>{([sort, word]) => <option value={sort}>{t(word)}</option>}</For>
        </select>
      </label>
      <div class="button-row">
        <button type="button" class="small" disabled={props.found === 0} onClick={() => props.onAll(true)}>
          {words('all')}
        </button>
        <button type="button" class="small" disabled={props.found === 0} onClick={() => props.onAll(false)}>
          {words('nothing')}
        </button>
        <Show when={props.found === undefined}>
          <button type="button" class="small" onClick={() => props.onOpenAll(true)}>
            {t('selection.expand')}
          </button>
          <button type="button" class="small" onClick={() => props.onOpenAll(false)}>
            {t('selection.collapse')}
          </button>
        </Show>
      </div>
    </div>
  )
}
