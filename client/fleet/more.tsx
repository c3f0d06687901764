// The details of a mapping or a database that is expanded on the board, and its actions.
import { For, Show } from 'solid-js'
import type { ErrorInfo } from '../../shared/error-info.ts'
import type { FleetDatabase } from '../../shared/fleet.ts'
import { dateText, inLanguage, rowsText, t } from '../i18n/index.ts'
import { Cut } from '../parts/cut.tsx'
import { ErrorText } from '../parts/error-text.tsx'
import { FailedTables } from '../parts/failed-tables.tsx'
import { Notice } from '../parts/notice.tsx'
import { PageLink } from '../parts/page-link.tsx'
import type { BoardMapping } from '../state/fleet-rows.ts'
import { Actions, type OnAsk } from './actions.tsx'
import { possible } from './place.ts'
import { detailPath } from './row.tsx'

export function MappingMore(props: { mapping: BoardMapping; onAsk: OnAsk }) {
  const head = () => props.mapping.head
  return (
    <div class="board-more">
      <Actions
        place={{ mapping: head().name }}
        can={possible(props.mapping.databases, head().follow)}
        instructions
        small
        onAsk={props.onAsk}
      />
      <p class="quiet">
        <Show when={head().source_version && head().destination_version}>
          PostgreSQL {head().source_version} <span aria-hidden="true">→</span> {head().destination_version}
        </Show>
        <Show when={head().engine === 'native'}>
          <span class="tag">{t('fleet.native')}</span>
        </Show>
        <Show when={!head().follow}>
          <span class="tag">{t('fleet.once')}</span>
        </Show>
      </p>
      <Show when={head().error}>{(error) => <ErrorNotice error={error()} />}</Show>
      <Roles mapping={props.mapping} />
    </div>
  )
}

function Roles(props: { mapping: BoardMapping }) {
  const roles = () => props.mapping.head.roles
  return (
    <>
      <p class="quiet">
        {t('fleet.roles.title')}: {t(`fleet.roles.state.${roles().state}`)}
        <Show when={roles().message}> – {inLanguage(roles().message ?? '')}</Show>
      </p>
      <Show when={roles().needing_password.length > 0}>
        <Notice
          tone="warn"
          role="group"
          title={t('fleet.roles.needing', { count: rowsText(roles().needing_password.length) })}
        >
          <Cut list={roles().needing_password} each={(role) => <li class="mono">{role}</li>} />
        </Notice>
      </Show>
    </>
  )
}

export function DatabaseMore(props: {
  mapping: BoardMapping
  database: FleetDatabase
  /** On the page of this database, which shows everything else. */
  bare?: boolean
  onAsk: OnAsk
}) {
  const one = () => props.database
  const place = () => ({ mapping: props.mapping.head.name, database: one().name })
  const reasons = () => (one().ready?.green === false ? (one().ready?.reasons ?? []) : [])
  return (
    <div class="board-more of-database">
      <Actions place={place()} can={possible([one()], props.mapping.head.follow)} small onAsk={props.onAsk} />
      <p class="quiet">
        <Show when={!props.bare}>
          <PageLink to={detailPath(place().mapping, one().name)}>
            {t('fleet.details', { name: one().name })}
          </PageLink>{' '}
        </Show>
        <Show when={one().attempts > 1}>{t('fleet.attempts', { count: one().attempts })} </Show>
        <Show when={one().at_work}>
          {(message) => <>{t('fleet.atWork', { message: inLanguage(message()) })} </>}
        </Show>
        <Show when={one().retry_at}>
          {(at) => <>{t('fleet.retryAt', { at: dateText(new Date(at()).toISOString()) })} </>}
        </Show>
        <Show when={one().worker}>{(worker) => <>{t('fleet.worker', { worker: worker() })} </>}</Show>
        <Show when={one().engine_reason}>
          {(reason) => <>{t('fleet.engineReason', { engine: one().engine, reason: inLanguage(reason()) })}</>}
        </Show>
      </p>
      <Show when={one().error}>{(error) => <ErrorNotice error={error()} />}</Show>
      <Show when={one().switchover?.error}>{(error) => <ErrorNotice error={error()} />}</Show>
      <Show when={reasons().length > 0}>
        <div>
          <p>{t('fleet.notReady')}</p>
          <ul class="reasons">
            <For each={reasons()}>{(reason) => <li>{inLanguage(reason)}</li>}</For>
          </ul>
        </div>
      </Show>
      <FailedTables
        tables={one().failed_tables}
        title={t('fleet.failedTables', { count: rowsText(one().failed_tables.length) })}
      />
    </div>
  )
}

function ErrorNotice(props: { error: ErrorInfo }) {
  return (
    <Notice tone="bad">
      <ErrorText error={props.error} />
    </Notice>
  )
}
