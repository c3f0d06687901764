// Objects that the selection requires but does not include: one line, which opens the list and the choice what happens
// to them.
import { createUniqueId, For, Show } from 'solid-js'
import { showName } from '../../../shared/table-name.ts'
import { rowsText, t } from '../../i18n/index.ts'
import { Disclosure } from '../../parts/disclosure.tsx'
import { draft, setDraft } from '../../state/draft.ts'
import { missing } from '../../state/kept-rows.ts'
import { withNeeds } from '../../state/selection.ts'
import { setSelected } from '../../state/source.ts'
import type { Leaf, Tree } from '../../state/tree.ts'

const shown = 50

export function Missing(props: { tree: Tree }) {
  const name = createUniqueId()
  function selectThem() {
    const keys = missing().map(({ needed }) => needed.key)
    setSelected(withNeeds(props.tree, keys), true)
  }
  return (
    <div role="status">
      <Show when={missing().length > 0}>
        <div class="missing-line">
          <Disclosure summary={t('selection.missingTitle', { count: rowsText(missing().length) })}>
            <ul class="missing" tabindex="0">
              <For each={missing().slice(0, shown)}>
                {({ needed, by }) => (
                  <li>
                    <b>{leafName(needed)}</b> <span class="quiet">({t(`kinds.${needed.kind}`)})</span>{' '}
                    {t('selection.missingLead', { names: names(by) })}
                  </li>
                )}
              </For>
              <Show when={missing().length > shown}>
                <li>{t('selection.andMore', { count: rowsText(missing().length - shown) })}</li>
              </Show>
            </ul>
            <fieldset class="missing-choice">
              <legend>{t('selection.missingChoice')}</legend>
              <For each={['add', 'report'] as const}>
                {(choice) => (
                  <label>
                    <input
                      type="radio"
                      name={name}
                      checked={draft.needed === choice}
                      onChange={() => setDraft('needed', choice)}
                    />
                    {t(choice === 'add' ? 'selection.missingAdd' : 'selection.missingReport')}
                  </label>
                )}
              </For>
            </fieldset>
          </Disclosure>
          <button type="button" class="small" onClick={selectThem}>
            {t('selection.selectRequired')}
          </button>
        </div>
      </Show>
    </div>
  )
}

function leafName(leaf: Leaf): string {
  return showName({ schema: leaf.schema, name: leaf.table ? `${leaf.table}.${leaf.name}` : leaf.name })
}

function names(leaves: readonly Leaf[]): string {
  const first = leaves.slice(0, 3).map(leafName).join(', ')
  const rest = leaves.length - 3
  return rest > 0 ? `${first}, ${t('selection.andMore', { count: rowsText(rest) })}` : first
}
