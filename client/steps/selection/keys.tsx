// Keys and checks of a table, and its foreign keys in both directions, with links to the other tables.
import { For, type JSX, Show } from 'solid-js'
import type { TableInfo } from '../../../shared/browse-api.ts'
import { showName, type TableName } from '../../../shared/table-name.ts'
import { t } from '../../i18n/index.ts'
import { isSelected } from '../../state/kept-rows.ts'
import type { Leaf } from '../../state/tree.ts'

interface Key {
  name: string
  definition: string
  validated?: boolean
  table?: TableName
}

export function Keys(props: {
  info: TableInfo
  find: (table: TableName) => Leaf | undefined
  onJump: (leaf: Leaf) => void
}) {
  const link = (table: TableName) => (
    <Show when={props.find(table)} fallback={<b>{showName(table)}</b>}>
      {(leaf) => (
        <>
          <button
            type="button"
            class="jump"
            title={t('selection.showTable', { name: showName(table) })}
            onClick={() => props.onJump(leaf())}
          >
            {showName(table)}
          </button>
          <Show when={!isSelected(leaf())}>
            <span class="tag">{t('selection.notSelected')}</span>
          </Show>
        </>
      )}
    </Show>
  )
  return (
    <>
      <List title={t('selection.keys')} none={t('selection.noKeys')} list={props.info.keys} link={link} />
      <List
        title={t('selection.foreignKeys')}
        none={t('selection.noForeignKeys')}
        list={props.info.foreign_keys.map(({ references, ...key }) => ({ ...key, table: references }))}
        link={link}
      />
      <List
        title={t('selection.referencedBy')}
        none={t('selection.notReferenced')}
        list={props.info.referenced_by}
        link={link}
      />
    </>
  )
}

function List(props: {
  title: string
  none: string
  list: readonly Key[]
  link: (table: TableName) => JSX.Element
}) {
  return (
    <>
      <h3>{props.title}</h3>
      <Show when={props.list.length > 0} fallback={<p class="quiet">{props.none}</p>}>
        <ul class="definitions">
          <For each={props.list}>
            {(key) => (
              <li>
                <Show when={key.table}>{(table) => props.link(table())}</Show> <span>{key.name}</span>
                <Show when={key.validated === false}>
                  <span class="tag warn">{t('selection.unvalidated')}</span>
                </Show>
                <code>{key.definition}</code>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </>
  )
}
