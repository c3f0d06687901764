// Tables whose rows could not be copied, each with the server's words.

import { type JSX, Show } from 'solid-js'
import { showName } from '../../shared/table-name.ts'
import { inLanguage } from '../i18n/index.ts'
import { Cut } from './cut.tsx'
import { Notice } from './notice.tsx'

export function FailedTables(props: {
  tables: readonly { schema: string; name: string; error: string }[]
  title: string
  lead?: string
  /** What can be done about them. */
  children?: JSX.Element
}) {
  return (
    <Show when={props.tables.length > 0}>
      <Notice tone="bad" role="group" title={props.title}>
        <Show when={props.lead}>
          <p>{props.lead}</p>
        </Show>
        <Cut
          list={props.tables}
          each={(table) => (
            <li class="failure">
              <b>{showName(table)}</b>
              <p class="server-words">{inLanguage(table.error)}</p>
            </li>
          )}
        />
        {props.children}
      </Notice>
    </Show>
  )
}
