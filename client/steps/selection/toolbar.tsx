import { For } from 'solid-js'
import { rowsText, t } from '../../i18n/index.ts'
import { SearchField } from '../../parts/search-field.tsx'
import type { Sort } from '../../state/tree-rows.ts'

const sorts = { name: 'selection.sortName', size: 'selection.sortSize', rows: 'selection.sortRows' } as const

export function Toolbar(props: {
  search: string
  onSearch: (text: string) => void
  /** How many objects the search finds; undefined without a search. */
  found: number | undefined
  sort: Sort
  onSort: (sort: Sort) => void
  onAll: (on: boolean) => void
  onOpenAll: (open: boolean) => void
}) {
  const words = (which: 'all' | 'nothing') =>
    props.found === undefined
      ? t(`selection.${which}`)
      : t(`selection.${which}Found`, { count: rowsText(props.found) })
  return (
    <div class="toolbar">
      <SearchField
        label={t('selection.searchLabel')}
        placeholder={t('selection.searchHint')}
        value={props.search}
        onSearch={props.onSearch}
      />
      <label class="inline">
        {t('selection.sort')}
        <select value={props.sort} onChange={(event) => props.onSort(event.currentTarget.value as Sort)}>
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
        <button type="button" class="small" onClick={() => props.onOpenAll(true)}>
          {t('selection.expand')}
        </button>
        <button type="button" class="small" onClick={() => props.onOpenAll(false)}>
          {t('selection.collapse')}
        </button>
      </div>
    </div>
  )
}
