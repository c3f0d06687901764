// Objects that the selection requires but does not include, and the choice what to do about them.
import { createMemo, createUniqueId, For, Show } from 'solid-js'
import { showName } from '../../../shared/table-name.ts'
import { rowsText, t } from '../../i18n/index.ts'
import { Notice } from '../../parts/notice.tsx'
import { draft, given, setDraft } from '../../state/draft.ts'
import { missingNeeds, withNeeds } from '../../state/selection.ts'
import { setSelected, sourceTree } from '../../state/source.ts'
import type { Leaf, Tree } from '../../state/tree.ts'

const shown = 20

export function Missing(props: { tree: Tree }) {
  const name = createUniqueId()
  const missing = createMemo(() => missingNeeds(props.tree, sourceTree().selected))
  function selectThem() {
    const keys = missing().map(({ needed }) => needed.key)
    setSelected(withNeeds(props.tree, keys), true)
  }
  return (
    <Show when={!given() && missing().length > 0}>
      <Notice
        tone="warn"
        role="status"
        title={t('selection.missingTitle', { count: rowsText(missing().length) })}
      >
        <ul class="missing">
          <For each={missing().slice(0, shown)}>
            {({ needed, by }) => (
              <li>
                <b>{leafName(needed)}</b> <span class="quiet">({t(`kinds.${needed.kind}`)})</span>
                <br />
                {t('selection.missingLead', { names: names(by) })}
              </li>
            )}
          </For>
          <Show when={missing().length > shown}>
            <li>{t('selection.andMore', { count: rowsText(missing().length - shown) })}</li>
          </Show>
        </ul>
        <fieldset class="choice">
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
        <button type="button" onClick={selectThem}>
          {t('selection.selectRequired')}
        </button>
      </Notice>
    </Show>
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
