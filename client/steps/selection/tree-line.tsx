// One line of the tree.
import { Show } from 'solid-js'
import { bytesText, estimateText, rowsText, t } from '../../i18n/index.ts'
import { lacking, whereOf } from '../../state/kept-rows.ts'
import type { CheckState, KindNode, Leaf, SchemaNode } from '../../state/tree.ts'
import type { TreeRow } from '../../state/tree-rows.ts'

export function rowId(key: string): string {
  return `tree-${[...key].map((character) => character.codePointAt(0)?.toString(36)).join('-')}`
}

export function TreeLine(props: {
  row: TreeRow
  top: number
  state: CheckState
  count: { selected: number; total: number } | undefined
  active: boolean
  chosen: boolean
  onToggle: () => void
  onSelect: () => void
  onChoose: () => void
  onActive: () => void
}) {
  const size = () => sizeOf(props.row.node)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree handles the keys for all of its lines
    <div
      class="tree-line"
      classList={{ active: props.active, chosen: props.chosen, unselected: props.state === 'none' }}
      role="treeitem"
      tabIndex="-1"
      id={rowId(props.row.key)}
      aria-level={props.row.level}
      aria-posinset={props.row.position}
      aria-setsize={props.row.siblings}
      aria-expanded={props.row.open}
      aria-checked={props.state === 'some' ? 'mixed' : props.state === 'all'}
      style={{ transform: `translateY(${props.top}px)`, '--level': props.row.level - 1 }}
      onMouseDown={(event) => event.preventDefault()}
      onClick={(event) => {
        event.currentTarget.closest<HTMLElement>('.tree')?.focus({ preventScroll: true })
        props.onActive()
        const part = event.target instanceof Element ? event.target.closest('[data-part]') : null
        if (part?.getAttribute('data-part') === 'check') props.onSelect()
        else if (part?.getAttribute('data-part') === 'open') props.onToggle()
        else props.onChoose()
      }}
    >
      <span class="tree-open" data-part="open" aria-hidden="true">
        <Show when={props.row.open !== undefined}>
          <span class="arrow" classList={{ down: props.row.open === true }} />
        </Show>
      </span>
      <span class={`tree-check ${props.state}`} data-part="check" aria-hidden="true" />
      <span class="tree-name" classList={{ strong: props.row.level < 3 }} title={nameOf(props.row.node)}>
        {nameOf(props.row.node)}
      </span>
      <span class="tree-tags">
        <Tags node={props.row.node} />
      </span>
      <Show when={props.count}>
        {(count) => (
          <span class="tree-count numbers">
            {t('selection.ofTotal', { selected: rowsText(count().selected), total: rowsText(count().total) })}
          </span>
        )}
      </Show>
      <span class="tree-size numbers">
        <Show when={size()}>
          {(known) => (
            <>
              <span class="tree-rows">{t('selection.rows', { count: estimateText(known().rows) })}</span>
              <span class="tree-bytes">{bytesText(known().bytes)}</span>
            </>
          )}
        </Show>
      </span>
    </div>
  )
}

function Tags(props: { node: SchemaNode | KindNode | Leaf }) {
  const facts = () => ('facts' in props.node ? props.node.facts : undefined)
  const where = () => ('partitions' in props.node ? whereOf(props.node) : undefined)
  return (
    <>
      <Show when={where()}>
        {(condition) => (
          <span class="tag warn" title={condition()}>
            {t('selection.someRows')}
          </span>
        )}
      </Show>
      <Show when={lacking().has(props.node.key)}>
        <span class="tag warn">{t('selection.lacks')}</span>
      </Show>
      <Show when={facts()?.kind === 'partitioned'}>
        <span class="tag">{t('selection.partitioned')}</span>
      </Show>
      <Show when={facts()?.kind === 'foreign'}>
        <span class="tag">{t('selection.foreign')}</span>
      </Show>
      <Show when={facts()?.readable === false}>
        <span class="tag bad">{t('selection.unreadable')}</span>
      </Show>
    </>
  )
}

export function nameOf(node: SchemaNode | KindNode | Leaf): string {
  if ('kinds' in node) return node.name
  if ('leaves' in node) return t(`kinds.${node.kind}`)
  return node.table === undefined ? node.name : `${node.name} (${node.table})`
}

function sizeOf(node: SchemaNode | KindNode | Leaf): { rows: number; bytes: number } | undefined {
  if ('kinds' in node) return node.kinds.some(({ kind }) => kind === 'tables') ? node : undefined
  if ('leaves' in node || !node.facts) return undefined
  return { rows: node.facts.rows, bytes: node.facts.bytes }
}
