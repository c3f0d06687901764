// `#compare`: the rows of two databases, table by table.
import './compare.css'
import { createSignal, Show } from 'solid-js'
import type { ComparisonResult } from '../../shared/comparison-api.ts'
import { rowsText, t } from '../i18n/index.ts'
import { draft, requestBody, rules, selection } from '../state/draft.ts'
import { Frame, OptionBox } from './frame.tsx'
import { createComparison } from './state.ts'
import { TablesResult } from './tables.tsx'

export function ComparePage() {
  const state = createComparison('data')
  const [fast, setFast] = createSignal(false)
  const [values, setValues] = createSignal(true)
  // On the way through the selection, what was selected there is compared.
  const [isSelected, setIsSelected] = createSignal(draft.purpose === 'compare')

  function start() {
    const { source, destination } = requestBody()
    void state.start({
      ...{ kind: 'data', source, destination },
      ...(fast() ? { fast: true } : { values: values() }),
      ...(isSelected() && { selection: selection(), tables: rules().map((rule) => ({ ...rule })) }),
    })
  }

  return (
    <Frame
      state={state}
      kind="data"
      verdict={verdictOf}
      onStart={start}
      options={
        <>
          <OptionBox label={t('compare.fast')} checked={fast()} onChange={setFast} />
          <Show when={!fast()}>
            <OptionBox label={t('compare.values')} checked={values()} onChange={setValues} />
          </Show>
          <SelectionBox checked={isSelected()} onChange={setIsSelected} />
        </>
      }
    >
      {(result) => <Show when={result.data}>{(data) => <TablesResult data={data()} />}</Show>}
    </Frame>
  )
}

/** Only where the draft selects less than everything. */
export function SelectionBox(props: { checked: boolean; onChange: (on: boolean) => void }) {
  const hasSelection = () =>
    draft.rules.length > 0 ||
    Object.values(selection()).some((list) => Array.isArray(list) && list.length > 0)
  return (
    <Show when={hasSelection()}>
      <OptionBox label={t('compare.selection')} checked={props.checked} onChange={props.onChange} />
    </Show>
  )
}

function verdictOf({ data }: ComparisonResult): string {
  const tables = data?.tables ?? []
  const unknown = tables.filter(({ status }) => status === 'unknown').length
  const differing = tables.filter(({ status }) => status !== 'same').length - unknown
  const count = rowsText(tables.length)
  const found = [
    ...(differing > 0 ? [t('compare.state.differ', { differing: rowsText(differing), count })] : []),
    ...(unknown > 0 ? [t('compare.state.notCompared', { count: rowsText(unknown) })] : []),
  ]
  if (found.length > 0) return found.join(' · ')
  if (data?.status !== 'same') return t('compare.state.otherwise')
  if (tables.length === 0) return t('compare.state.noTables')
  return t(data.fast ? 'compare.state.allCounted' : 'compare.state.allSame', { count })
}
