// `#schema`: the definitions of two databases, and the statements that make the destination like the source.
import './compare.css'
import { createSignal, For, Show } from 'solid-js'
import { createStore } from 'solid-js/store'
import type { ComparisonResult } from '../../shared/comparison-api.ts'
import { rowsText, t } from '../i18n/index.ts'
import { Disclosure } from '../parts/disclosure.tsx'
import { requestBody, selection } from '../state/draft.ts'
import { Applied } from './applied.tsx'
import { ChangesResult } from './changes.tsx'
import { SelectionBox } from './compare.tsx'
import { Frame, OptionBox } from './frame.tsx'
import { createComparison } from './state.ts'

const counted = ['owner', 'acl', 'comments', 'tablespaces', 'publications', 'securityLabels'] as const

export function SchemaPage() {
  const state = createComparison('schema')
  const [wanted, setWanted] = createStore(Object.fromEntries(counted.map((name) => [name, true])))
  const [isSelected, setIsSelected] = createSignal(false)

  function start() {
    const { source, destination } = requestBody()
    void state.start({
      ...{ kind: 'schema', source, destination },
      ...wanted,
      ...(isSelected() && { selection: selection() }),
    })
  }

  function apply(id: string, confirmed: string[]) {
    const { source, destination } = requestBody()
    void state.apply(id, { source, destination, confirmed })
  }

  return (
    <Frame
      state={state}
      kind="schema"
      verdict={verdictOf}
      onStart={start}
      options={
        <>
          <SelectionBox checked={isSelected()} onChange={setIsSelected} />
          <Disclosure summary={t('compare.counted')}>
            <For each={counted}>
              {(name) => (
                <OptionBox
                  label={t(`options.each.${name}.label`)}
                  checked={wanted[name] ?? true}
                  onChange={(on) => setWanted(name, on)}
                />
              )}
            </For>
          </Disclosure>
        </>
      }
    >
      {(result) => (
        <>
          <Show when={result.comparison.applied?.length ? result.comparison.applied : undefined}>
            {(applied) => <Applied list={applied()} isChecked={result.schema !== undefined} />}
          </Show>
          <Show when={result.schema}>
            {(schema) => (
              <ChangesResult
                schema={schema()}
                destination={result.comparison.destination}
                onApply={(confirmed) => apply(result.comparison.id, confirmed)}
              />
            )}
          </Show>
        </>
      )}
    </Frame>
  )
}

function verdictOf({ schema }: ComparisonResult): string {
  const count = schema?.differences.length ?? 0
  const unreadable = schema?.unreadable.length ?? 0
  if (count === 0 && unreadable > 0)
    return t('compare.state.schemaIncomplete', { count: rowsText(unreadable) })
  return count === 0
    ? t('compare.state.schemaSame')
    : t('compare.state.schemaDiffer', { count: rowsText(count) })
}
